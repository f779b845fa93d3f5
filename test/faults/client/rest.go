package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// reply is a complete answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do sends one request to a node through its link and counts failures. An error means that there
// was no complete answer.
func (c *Client) do(n *cluster.Node, method, path string, header map[string]string, body []byte) (reply, error) {
	answer, err := c.request(context.Background(), n.Front.Address(), method, path, header, body)
	switch {
	case err != nil:
		c.world.Counts[n.Number].Broken.Add(1)
	case answer.status == http.StatusServiceUnavailable:
		c.world.Counts[n.Number].Unavailable.Add(1)
	}
	return answer, err
}

func (c *Client) request(ctx context.Context, address, method, path string, header map[string]string, body []byte) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, text}, err
}

const requestID = "X-Request-Id"

// idOf is the id of the request that carries the current attempt of a write.
func idOf(w *record.Write) string { return w.ID + "-" + strconv.Itoa(w.Tries) }

// fail records an attempt without a complete answer.
func fail(w *record.Write, n *cluster.Node, err error, request string) {
	var netErr net.Error
	timeout := errors.As(err, &netErr) && netErr.Timeout()
	w.Outcome, w.Status = record.Unknown, err.Error()
	w.Failures = append(w.Failures, record.Failure{Node: n.Number, Request: request, Timeout: timeout})
}

// put sends a set or a restore over REST.
func (c *Client) put(n *cluster.Node, w *record.Write, value string) {
	header := map[string]string{requestID: idOf(w)}
	if key := c.key(w); key != "" {
		header["Idempotency-Key"] = key
	}
	if w.Expected != nil && *w.Expected > 0 {
		header["If-Match"] = strconv.Quote(strconv.Itoa(*w.Expected))
	} else if w.Expected != nil {
		header["If-None-Match"] = "*"
	}
	body, err := json.Marshal(map[string]string{"value": value})
	if err != nil {
		panic(err) // the suite's own values can be encoded
	}
	method, path := http.MethodPut, "/config/"+url.PathEscape(w.Name)
	if w.Kind == record.Restore {
		method, path = http.MethodPost, path+"/restore"
	}
	answer, err := c.do(n, method, path, header, body)
	if err != nil {
		fail(w, n, err, idOf(w))
		return
	}
	w.Status = strconv.Itoa(answer.status) + " " + string(answer.body)
	w.Outcome, w.Refusal = outcomeOf(answer)
	if w.Outcome == record.Done || w.Refusal == record.Conflict {
		w.Version, err = versionOf(answer)
	}
	if err == nil && w.Outcome == record.Done {
		w.Position, err = record.ParsePosition(answer.header.Get("Config-Position"))
	}
	if err != nil { // the checks find it: no event has seq 0
		w.Status += ": " + err.Error()
	}
}

func outcomeOf(answer reply) (record.Outcome, record.Refusal) {
	switch answer.status {
	case http.StatusOK:
		return record.Done, 0
	case http.StatusNotFound:
		return record.Refused, record.NotFound
	case http.StatusGone:
		return record.Refused, record.Gone
	case http.StatusConflict:
		return record.Refused, record.NotDeleted
	case http.StatusPreconditionFailed:
		return record.Refused, record.Conflict
	case http.StatusServiceUnavailable:
		var problem struct {
			Code           string
			OutcomeUnknown bool `json:"outcome_unknown"`
		}
		if json.Unmarshal(answer.body, &problem) == nil && problem.Code == "UNAVAILABLE" && !problem.OutcomeUnknown {
			return record.NotWritten, 0
		}
	}
	return record.Unknown, 0
}

// versionOf is the version in an answer. A conflict on a name without events has none.
func versionOf(answer reply) (int, error) {
	text := answer.header.Get("Config-Version")
	if text == "" && answer.status == http.StatusPreconditionFailed {
		return 0, nil
	}
	return strconv.Atoi(text)
}

// get reads one config. Where servers can, some reads are linearizable, and some require the last
// position that this client wrote.
func (c *Client) get(n *cluster.Node, name string) {
	read := &record.Read{Client: c.number, Name: name}
	path, header := "/config/"+url.PathEscape(name), map[string]string{}
	switch dice := c.rand.IntN(3); {
	case dice == 0 && c.world.Features.Linearizable:
		read.Linearizable = true
		path += "?consistency=linearizable"
	case dice == 1 && c.world.Features.AtLeast && c.last.Seq > 0:
		read.AtLeast, read.AtLeastHash = c.last.Seq, c.last.Hash
		header["Config-At-Least"] = c.last.String()
	}
	answer, ok := c.ask(n, read, path, header)
	if ok && describe(read, answer) {
		c.know(read)
		c.world.Record.Read(read)
	}
}

// confirm reads a config of which a stream has just delivered a change. The same process must
// return that change, or a newer one.
func (c *Client) confirm(n *cluster.Node, where record.Where, name string, delivered record.Position) {
	read := &record.Read{Client: c.number, Name: name}
	answer, ok := c.ask(n, read, "/config/"+url.PathEscape(name), nil)
	if ok && describe(read, answer) {
		if read.Where == where {
			read.AtLeast, read.AtLeastHash = delivered.Seq, delivered.Hash
		}
		c.world.Record.Read(read)
	}
}

// describe copies the state of a config from an answer. It returns false when the answer has none.
func describe(read *record.Read, answer reply) bool {
	switch answer.status {
	case http.StatusOK:
		read.Found, read.Value = true, history.Digest(string(answer.body))
		read.Version, _ = strconv.Atoi(answer.header.Get("Config-Version")) // a parse error leaves 0, which the checks find
		return true
	case http.StatusNotFound:
		return true
	}
	return false
}

func (c *Client) know(read *record.Read) {
	before := c.known[read.Name]
	c.known[read.Name] = known{max(before.version, read.Version), !read.Found && before.version > 0}
}

// list reads all configs of the round.
func (c *Client) list(n *cluster.Node) {
	read := &record.Read{Client: c.number, Prefix: c.world.Prefix}
	answer, ok := c.ask(n, read, "/config?prefix="+c.world.Prefix, nil)
	if !ok || answer.status != http.StatusOK {
		return
	}
	var err error
	if read.Values, err = valuesOf(answer.body); err != nil {
		read.Values = map[string]string{"not a list": err.Error()} // which no history has
	}
	c.world.Record.Read(read)
}

func valuesOf(body []byte) (map[string]string, error) {
	var configs []struct{ Name, Value string }
	if err := json.Unmarshal(body, &configs); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, config := range configs {
		if _, twice := values[config.Name]; twice {
			return nil, errors.New(config.Name + " is listed twice")
		}
		values[config.Name] = history.Digest(config.Value)
	}
	return values, nil
}

// ask sends a read, and records the process, the time and the position of the answer. It returns
// false when there is no answer to check.
func (c *Client) ask(n *cluster.Node, read *record.Read, path string, header map[string]string) (reply, bool) {
	read.Where = record.Where{Node: n.Number, Incarnation: n.Incarnation()}
	read.Call = c.world.Record.Now()
	answer, err := c.do(n, http.MethodGet, path, header, nil)
	read.Return = c.world.Record.Now()
	if read.Return-read.Call >= slow {
		c.world.Counts[n.Number].Slow.Add(1)
	}
	if n.Incarnation() != read.Incarnation {
		read.Incarnation = record.Unsure
	}
	if err != nil || answer.status >= http.StatusInternalServerError {
		return reply{}, false
	}
	if c.refused(n, answer) {
		return reply{}, false
	}
	if !locate(read, answer) {
		read.Position = record.Position{Seq: -1, Hash: "none"} // which no history has
	}
	return answer, true
}

// locate copies the position of an answer. It returns false when there is none.
func locate(read *record.Read, answer reply) bool {
	var err error
	read.Position, err = record.ParsePosition(answer.header.Get("Config-Position"))
	return err == nil
}

// ListAll reads the whole state of a node directly, not through its link. The state must contain
// the given seq.
func (c *Client) ListAll(ctx context.Context, n *cluster.Node, seq int64) {
	read := &record.Read{Where: record.Where{Node: n.Number, Incarnation: n.Incarnation()}, Client: c.number, AtLeast: seq, Final: true}
	read.Call = c.world.Record.Now()
	answer, err := c.request(ctx, n.Address(), http.MethodGet, "/config", nil, nil)
	read.Return = c.world.Record.Now()
	if err == nil {
		read.Values, err = valuesOf(answer.body)
	}
	if err != nil || !locate(read, answer) {
		read.Position = record.Position{Seq: -1, Hash: "none"} // which no history has
	}
	c.world.Record.Read(read)
}
