package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// mostNames is the number of configs that one request reads by name, at most.
const mostNames = 12

// several reads some configs by name, with one GraphQL request. All of its fields are of one
// position. Half of these reads are linearizable.
func (c *Client) several(n *cluster.Node) {
	read := &record.Read{Client: c.number, Linearizable: c.world.Features.Linearizable && c.rand.IntN(2) == 0}
	for _, i := range c.rand.Perm(setNames)[:2+c.rand.IntN(mostNames-1)] {
		read.Names = append(read.Names, c.nameOf(i))
	}
	answer, ok := c.query(n, read, queryOfSeveral(read))
	if !ok {
		return
	}
	var body struct {
		Data   map[string]json.RawMessage
		Errors []any
	}
	if json.Unmarshal(answer.body, &body) != nil || len(body.Errors) > 0 {
		return
	}
	read.Position, read.Values = record.Position{Seq: -1, Hash: "none"}, map[string]string{} // which no history has
	var at struct{ Position string }
	if json.Unmarshal(body.Data["at"], &at) == nil {
		if p, err := record.ParsePosition(at.Position); err == nil {
			read.Position = p
		}
	}
	for i, name := range read.Names {
		var config *struct{ Value string }
		if err := json.Unmarshal(body.Data[fmt.Sprint("c", i)], &config); err != nil {
			read.Values[name] = "not a config: " + err.Error() // which no history has
		} else if config != nil {
			read.Values[name] = history.Digest(config.Value)
		}
	}
	c.world.Record.Read(read)
}

func queryOfSeveral(read *record.Read) string {
	consistency := "LOCAL"
	if read.Linearizable {
		consistency = "LINEARIZABLE"
	}
	var b strings.Builder
	for i, name := range read.Names {
		fmt.Fprintf(&b, " c%d:config(name:%q,consistency:%s){value}", i, name, consistency)
	}
	fmt.Fprintf(&b, " at:configs(filter:{names:[%q]},consistency:%s){position}", read.Names[0], consistency)
	return "{" + b.String() + "}"
}

// query sends a GraphQL query, and records the process and the time of the answer. It returns false
// when there is no complete answer.
func (c *Client) query(n *cluster.Node, read *record.Read, query string) (reply, bool) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		panic(err) // the suite's own values can be encoded
	}
	read.Where, read.Call = record.Where{Node: n.Number, Incarnation: n.Incarnation()}, c.world.Record.Now()
	answer, err := c.do(n, http.MethodPost, "/graphql", nil, body)
	read.Return = c.world.Record.Now()
	if n.Incarnation() != read.Incarnation {
		read.Incarnation = record.Unsure
	}
	return answer, err == nil && answer.status == http.StatusOK
}

// mostOnPage is the number of changes that a client asks for on a page, at most. Pages are smaller
// than most change sets, which they must not split.
const mostOnPage = 10

// page reads a part of the history after the newest acknowledged write of this client, or from the
// beginning of the round.
func (c *Client) page(n *cluster.Node) {
	read := &record.Read{Client: c.number, Prefix: c.world.Prefix + "/" + Shared, After: c.world.Base, Past: true}
	if c.last.Seq > 0 && c.rand.IntN(4) > 0 {
		read.After = c.last
	}
	query := url.Values{"prefix": {read.Prefix}, "first": {fmt.Sprint(1 + c.rand.IntN(mostOnPage))}}
	if read.After.Seq > 0 {
		query.Set("after", read.After.String())
	}
	answer, ok := c.ask(n, read, "/changes?"+query.Encode(), nil)
	if !ok || answer.status != http.StatusOK {
		return
	}
	var part batch
	if json.Unmarshal(answer.body, &part) != nil {
		return // the answer was cut off
	}
	m, err := part.parse()
	if err != nil {
		m.Position = record.Position{Seq: -1, Hash: "none"} // which no history has
	}
	read.Position, read.Page = m.Position, append([]record.Change{}, m.Changes...)
	c.world.Record.Read(read)
}
