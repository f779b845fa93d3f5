// Package tokenclient manages the tokens of a running server over REST: with a token, or over its
// admin socket.
//
// It sends a token to no other address than the one that it was given: it follows no redirects. It
// holds 16 MiB of an answer at most.
package tokenclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"configapi/internal/adminsocket"
	"configapi/internal/auth"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

const (
	// timeout is how long a request takes at most.
	timeout = time.Minute
	// maxAnswerBytes is the longest answer. A page of 100 tokens with 50 grants each, of long
	// prefixes, is shorter.
	maxAnswerBytes = 16 << 20
)

// Client manages the tokens of one server. Use [New] or [OverSocket]; it is safe for concurrent
// use.
type Client struct {
	http  *http.Client
	base  string // the server's URL without the slash at its end
	token string // "": none
}

// OverSocket returns a client that uses an admin socket.
func OverSocket(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return adminsocket.Dial(ctx, path) }
	return &Client{newHTTPClient(&http.Transport{DialContext: dial}), "http://admin", ""}
}

// New returns a client of the server at an address, such as https://config.example, which may have
// a path. token is its secret; "": none. A token is only sent over TLS, or to this machine, unless
// insecure is set. The error is about the address.
func New(address, token string, insecure bool) (*Client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("the address of a server must be a URL such as https://config.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of a server must be a URL without a user, a query and a fragment")
	case u.Scheme == "http" && token != "" && !insecure && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("the token is not sent to %s, since everyone on the way could read it: use https, or give --insecure", u.Host)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Client{newHTTPClient(transport), strings.TrimSuffix(u.String(), "/"), token}, nil
}

func newHTTPClient(transport *http.Transport) *http.Client {
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// do sends a request, with a body as JSON unless it is nil, and decodes the answer. It returns the
// address of the next page, "" for none.
func (c *Client) do(ctx context.Context, method, path string, body, into any) (next string, err error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return "", err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return "", requestFailed(method, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
	if err != nil {
		return "", requestFailed(method, err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", c.refused(answer, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return "", notFromHere(answer)
	}
	return nextPage(answer.Header.Get("Link")), nil
}

// requestFailed returns the error of a request that has no answer. A change may have been made,
// unless no connection was made.
func requestFailed(method string, err error) error {
	if failed, is := errors.AsType[*url.Error](err); is {
		err = failed.Err // without the address, which the user has given
	}
	dialing, is := errors.AsType[*net.OpError](err)
	if method == http.MethodGet || is && dialing.Op == "dial" || errors.Is(err, adminsocket.ErrRefused) {
		return fmt.Errorf("reaching the server: %w", err)
	}
	return fmt.Errorf("%w: %w", fault.ErrTokenUnknown, err)
}

// refused returns the error of an answer other than 200.
func (c *Client) refused(answer *http.Response, text []byte) error {
	var p struct{ Detail, Code string }
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), problem.ContentType) || json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return notFromHere(answer)
	}
	switch {
	case answer.StatusCode == http.StatusNotFound && p.Code == fault.NotFound.Code() && p.Detail == auth.ErrTokenNotFound.Error():
		return auth.ErrTokenNotFound
	case answer.StatusCode == http.StatusUnauthorized && c.token == "":
		return errors.New("the server asks for a token: put one into CONFIGAPI_TOKEN, or its file's name into CONFIGAPI_TOKEN_FILE")
	}
	return errors.New(p.Detail)
}

func notFromHere(answer *http.Response) error {
	if to := answer.Header.Get("Location"); answer.StatusCode/100 == 3 && to != "" {
		return errors.New("the server redirects to another address, where a token is not sent by itself: give that address with --url")
	}
	return fmt.Errorf("the answer %s is not one of ConfigApi: check the address", answer.Status)
}

// nextPage returns the query of a link to the next page.
func nextPage(link string) string {
	target, _, found := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if _, query, has := strings.Cut(target, "?"); found && has {
		return "?" + query
	}
	return ""
}
