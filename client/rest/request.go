package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	problemType    = "application/problem+json"
	requestID      = "X-Request-Id"
	configPosition = "Config-Position"
	configAtLeast  = "Config-At-Least"
	idempotencyKey = "Idempotency-Key"

	acceptJSON   = "application/json, application/problem+json"
	acceptEvents = "text/event-stream, application/problem+json"
	acceptText   = "text/plain, application/problem+json;q=0.5"

	// tries is how often a read is sent when its connection breaks.
	tries = 3
)

// request is one request of the API.
type request struct {
	method, path string // the path is below the server's URL, and has the query
	accept       string // "": JSON
	body         any    // as JSON; nil: none
	key          string // the idempotency key of a write; "": none
	atLeast      string // the position that an answer must have reached; "": any
	unwell       bool   // an answer 503 is one, too
	missing      string // what the text Not Found means; "": nothing, the path is always there
	dryRun       bool   // nothing is written, whatever the method
}

func (q *request) writes() bool { return q.method != http.MethodGet && !q.dryRun }

// send sends a read, and returns an answer with the status 200, whose body the caller closes. The
// read is sent again when the connection breaks before the answer. The error is an [*Error].
func (c *Client) send(ctx context.Context, q *request) (answer *http.Response, err error) {
	for range tries {
		var failed *Error
		if answer, failed = c.sendOnce(ctx, q); failed == nil {
			return answer, nil
		}
		err = failed
		if timeout, is := errors.AsType[net.Error](failed.Err); failed.Outcome != Failed || failed.Status != 0 || is && timeout.Timeout() || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// sendOnce is the only place that uses the network.
func (c *Client) sendOnce(ctx context.Context, q *request) (*http.Response, *Error) {
	var connected atomic.Bool
	trace := httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	ctx, cancel := context.WithCancel(ctx)
	r, err := c.build(httptrace.WithClientTrace(ctx, &trace), q)
	if err != nil {
		cancel()
		return nil, &Error{Outcome: NotSent, Message: err.Error(), Err: err}
	}
	answer, err := c.http.Do(r)
	if err != nil {
		cancel()
		return nil, q.broken(err, connected.Load())
	}
	answer.Body = newBody(answer.Body, cancel)
	if answer.StatusCode == http.StatusOK || q.unwell && answer.StatusCode == http.StatusServiceUnavailable {
		return answer, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
	if err != nil {
		return nil, q.broken(err, true)
	}
	return nil, q.answered(c, answer, text)
}

func (c *Client) build(ctx context.Context, q *request) (*http.Request, error) {
	var sent io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, sent)
	if err != nil {
		return nil, err
	}
	accept := q.accept
	if accept == "" {
		accept = acceptJSON
	}
	for name, value := range map[string]string{"Accept": accept, "User-Agent": c.agent, idempotencyKey: q.key, configAtLeast: q.atLeast} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		r.GetBody = nil // so that net/http does not send it again by itself, and hides that it did
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// broken returns the error of a request without a whole answer. Without a connection, no byte of it
// was sent.
func (q *request) broken(err error, connected bool) *Error {
	if failed, is := errors.AsType[*url.Error](err); is {
		err = failed.Err // without the address, which the user has given
	}
	e := &Error{Err: err}
	switch {
	case !connected:
		e.Message = fmt.Sprintf("reaching the server: %v; nothing was sent", err)
	case q.writes():
		e.Outcome, e.Message = Unknown, fmt.Sprintf("the connection to the server failed, and the change may have been made all the same: %v", err)
	default:
		e.Outcome, e.Message = Failed, fmt.Sprintf("reaching the server: %v", err)
	}
	return e
}

// Request is a request that the client has no method for.
type Request struct {
	Method string // "": GET
	Path   string // below the server's URL, with the query
	Body   any    // as JSON; nil: none
}

// Do sends a request, and decodes the answer into a value. It returns the query of the next page,
// with its question mark, "" for none. A GET is sent again when the connection breaks before the
// answer; anything else is sent once. The error is an [*Error].
func (c *Client) Do(ctx context.Context, r Request, into any) (next string, err error) {
	q := &request{method: cmp.Or(r.Method, http.MethodGet), path: r.Path, body: r.Body}
	if q.method == http.MethodGet {
		_, next, err = c.get(ctx, q, into)
		return next, err
	}
	answer, failed := c.sendOnce(ctx, q)
	if failed != nil {
		return "", failed
	}
	defer answer.Body.Close()
	return "", q.decode(answer, into)
}

// get sends a read, and decodes the answer into a value. It returns the position that the answer is
// of, and the query of the next page, "" for none.
func (c *Client) get(ctx context.Context, q *request, into any) (position, next string, err error) {
	q.method = http.MethodGet
	answer, err := c.send(ctx, q)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	if err := q.decode(answer, into); err != nil {
		return "", "", err
	}
	return answer.Header.Get(configPosition), nextPage(answer.Header.Get("Link")), nil
}

// decode decodes a whole answer. The error is an [*Error].
func (q *request) decode(answer *http.Response, into any) error {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return q.broken(err, true)
	case len(text) > maxAnswerBytes:
		return q.broken(errTooLong, true)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return q.foreign(&Error{Outcome: Refused, Status: answer.StatusCode}, answer, text)
	}
	return nil
}

var errTooLong = fmt.Errorf("the answer, or an element of it, has more than %d bytes", maxAnswerBytes)

// nextPage returns the query of a link to the next page.
func nextPage(link string) string {
	target, _, found := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if _, query, has := strings.Cut(target, "?"); found && has {
		return "?" + query
	}
	return ""
}

// body is the body of an answer. It fails when nothing comes for a while.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
	timer  *time.Timer
	silent atomic.Bool
}

var errSilent = fmt.Errorf("the server has sent nothing for %v", silence)

func newBody(inner io.ReadCloser, cancel context.CancelFunc) *body {
	b := &body{ReadCloser: inner, cancel: cancel}
	b.timer = time.AfterFunc(silence, func() {
		b.silent.Store(true)
		cancel()
	})
	return b
}

// Read reads. The time that the caller takes between two reads does not count.
func (b *body) Read(into []byte) (int, error) {
	b.timer.Reset(silence)
	n, err := b.ReadCloser.Read(into)
	b.timer.Stop()
	if err != nil && b.silent.Load() {
		err = errSilent
	}
	return n, err
}

// Close ends the request.
func (b *body) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
