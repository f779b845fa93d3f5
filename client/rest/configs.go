package rest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Config is the state of a config.
type Config struct {
	Name     string  `json:"name"`
	Value    *string `json:"value"` // nil: it was erased, which only the past shows
	Version  int64   `json:"version,omitempty"`
	Position string  `json:"position,omitempty"` // of its newest change
	// CreatedAt and UpdatedAt are when its first and its newest change were made.
	CreatedAt time.Time `json:"createdAt,omitzero"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
	Actor     *string   `json:"actor"` // of its newest change; nil: nobody was named
	Reason    *string   `json:"reason"`
}

// Config returns a config as it is at a moment, "" for now. The answer is of the position of. The
// code of the error is NOT_FOUND when there was none, DELETED when it is deleted now, and ERASED
// when its value was.
func (c *Client) Config(ctx context.Context, name, at string) (found Config, of string, err error) {
	missing := "there is no config " + name
	if at != "" {
		missing = "there was no config " + name + " at " + at
	}
	of, _, err = c.get(ctx, &request{path: pathOf(name) + query("at", at), missing: missing}, &found)
	return found, of, err
}

// List says which configs are listed.
type List struct {
	Prefix string // "": all
	At     string // the moment, as in [Comparison]; "": now
	// AtLeast is a position that the answer must have reached. A server that has not waits for it
	// for 2 s, and refuses then. "": any.
	AtLeast string
	// Full has each config come with all of its members. Otherwise only Name and Value are set.
	Full bool
}

// Configs calls each with every config that a list has, by name, while they arrive. It returns the
// position that all of them are of. An error of each ends the list, and is returned.
func (c *Client) Configs(ctx context.Context, l List, each func(Config) error) (of string, err error) {
	view := ""
	if l.Full {
		view = "full"
	}
	q := request{method: http.MethodGet, path: "/config" + query("prefix", l.Prefix, "at", l.At, "view", view), atLeast: l.AtLeast}
	answer, err := c.send(ctx, &q)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	return answer.Header.Get(configPosition), eachElement(&q, answer, each)
}

// eachElement decodes an array element by element. An answer that is cut off is an error, though
// each was called with what came before.
func eachElement[T any](q *request, answer *http.Response, each func(T) error) error {
	limit := &limited{inner: answer.Body}
	in := json.NewDecoder(limit)
	if start, err := in.Token(); err != nil || start != json.Delim('[') {
		if _, foreign := errors.AsType[*json.SyntaxError](err); err == nil || limit.err == nil || foreign {
			return q.foreign(&Error{Outcome: Refused, Status: answer.StatusCode}, answer, nil)
		}
		return q.broken(err, true)
	}
	for in.More() {
		limit.read = 0
		var element T
		if err := in.Decode(&element); err != nil {
			return q.broken(err, true)
		}
		if err := each(element); err != nil {
			return err
		}
	}
	if _, err := in.Token(); err != nil {
		return q.broken(err, true)
	}
	return nil
}

// limited bounds how much is read for one element.
type limited struct {
	inner io.Reader
	read  int
	err   error // of inner
}

func (l *limited) Read(into []byte) (n int, err error) {
	if l.read > maxAnswerBytes {
		return 0, errTooLong
	}
	n, l.err = l.inner.Read(into)
	l.read += n
	return n, l.err
}

// Child is what lies directly below a prefix: a config, names further below, or both.
type Child struct {
	Segment string  `json:"segment"` // the part of its name after the prefix
	Name    string  `json:"name"`
	Config  *Config `json:"config"` // nil: there are only names further below
	Below   int     `json:"below"`  // how many configs there are further below
}

// Children calls each with every child of a prefix, by name, page by page. Each page is of a
// position of its own.
func (c *Client) Children(ctx context.Context, prefix string, each func(Child) error) error {
	return eachPage(ctx, c, "/children", query("prefix", prefix, "first", maxPage),
		func(page struct{ Children []Child }) []Child { return page.Children }, each)
}

// Deleted calls each with the deletion of every deleted config below a prefix, the newest first,
// page by page.
func (c *Client) Deleted(ctx context.Context, prefix string, each func(Revision) error) error {
	return eachPage(ctx, c, "/deleted", query("prefix", prefix, "first", maxPage), revisionsOf, each)
}

// maxPage is the longest page that a client may ask for.
const maxPage = "500"

// eachPage calls each with the elements of all pages of a list.
func eachPage[P, T any](ctx context.Context, c *Client, path, first string, elements func(P) []T, each func(T) error) error {
	for query := first; query != ""; {
		var page P
		var err error
		if _, query, err = c.get(ctx, &request{path: path + query}, &page); err != nil {
			return err
		}
		for _, element := range elements(page) {
			if err := each(element); err != nil {
				return err
			}
		}
	}
	return nil
}

func pathOf(name string) string { return "/config/" + url.PathEscape(name) }

// query returns a query of names and their values, in turn. Those with the value "" are left out.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}
