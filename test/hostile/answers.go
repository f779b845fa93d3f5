package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"configapi/internal/websockettest"
)

const mebibyte = 1 << 20

// answerAttacks request answers that are much larger than their requests.
var answerAttacks = []attack{
	{
		name: "pages", about: "8 readers that take nothing of `{changes(first:500){changes{value oldValue}}}`, values of 1 MiB",
		fill:   fillOneName,
		strike: unreadQueries(8, `{changes(first:500){changes{value oldValue}}}`),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "aliases-of-history", about: "`history(first:500){nodes{a:value … e:value}}` of values of 1 MiB, 4 at once",
		fill:   fillOneName,
		strike: queries(4, `{history(name:"big",first:500){nodes{a:value b:value c:value d:value e:value}}}`),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "roots", about: "10 root fields of `changes(first:500)`, values of 1 MiB, 4 at once",
		fill:   fillOneName,
		strike: queries(4, "{"+repeated(10, "r%d:changes(first:500){changes{value oldValue}} ")+"}"),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "aliases", about: "30 aliases of `value` on 8 configs of 1 MiB, 4 at once",
		fill:   fillNames(8, mebibyte),
		strike: queries(4, "{configs(first:8){nodes{"+repeated(30, "a%d:value ")+"}}}"),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "socket", about: "one websocket with 10 queries of 10 pages each, of which nothing is read",
		fill:   fillOneName,
		strike: unreadSockets(1, 10, "{"+repeated(10, "r%d:changes(first:500){changes{value oldValue}} ")+"}"),
		most:   figures{memory: 400, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "sockets", about: "64 such websockets with one query each",
		fill:   fillOneName,
		strike: unreadSockets(64, 1, "{"+repeated(3, "r%d:changes(first:500){changes{value oldValue}} ")+"}"),
		most:   figures{memory: 900, cpu: 60 * time.Second, wall: 60 * time.Second},
	},
	{
		name: "rest-lists", about: "64 readers that take nothing of `GET /config` and of `/history`",
		fill:   both(fillOneName, fillNames(32, mebibyte)),
		strike: unreadPaths(64, "/config", "/config/big/history"),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "rest-pages", about: "64 readers that take nothing of pages of `/changes`, `/changes/recent`, `/diff` and `/deleted`",
		fill:   both(fillOneName, fillNames(32, mebibyte)),
		strike: unreadPaths(64, "/changes?first=500", "/changes/recent?first=500", "/diff?from=0-00000000", "/deleted"),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "rejections", about: "64 clients that take nothing of the answer to a change set of which all 32 changes expect another version, values of 1 MiB",
		fill:   fillNames(32, mebibyte),
		strike: unread(64, func(int) string { return rejectedSet(32) }),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
}

// fillOneName writes 64 values of 1 MiB to one name.
func fillOneName(t *target) error {
	value := strings.Repeat("x", mebibyte)
	return t.putMany(64, 4, func(int) (string, string) { return "big", value })
}

// fillNames writes values of so many bytes to so many names.
func fillNames(names, bytes int) func(*target) error {
	return func(t *target) error {
		value := strings.Repeat("x", bytes)
		return t.putMany(names, 8, func(i int) (string, string) { return fmt.Sprintf("n%d", i), value })
	}
}

func both(first, second func(*target) error) func(*target) error {
	return func(t *target) error {
		if err := first(t); err != nil {
			return err
		}
		return second(t)
	}
}

// repeated writes a part of a document n times, each with its number.
func repeated(n int, part string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, part, i)
	}
	return text.String()
}

// queries sends a query n times concurrently, and reads the answers.
func queries(n int, query string) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		var answers tally
		err := inParallel(n, n, func(int) error {
			a, err := t.ask(ctx, query, nil)
			if err != nil {
				answers.add("cut off")
				return nil
			}
			answers.add(fmt.Sprintf("%v (%d MiB)", a, a.bytes>>20))
			return nil
		})
		return answers.String(), err
	}
}

// holdFor is how long a client that reads nothing stays connected.
const holdFor = 8 * time.Second

// unreadQueries sends a query n times concurrently, and reads nothing of the answers.
func unreadQueries(n int, query string) func(context.Context, *target) (string, error) {
	return unread(n, func(int) string { return rawPost(envelope(query, nil)) })
}

// unreadPaths requests paths in turn, n times concurrently, and reads nothing of the answers.
func unreadPaths(n int, paths ...string) func(context.Context, *target) (string, error) {
	return unread(n, func(i int) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i%len(paths)])
	})
}

// rejectedSet returns a change set that sets n names, all of which have another version.
func rejectedSet(n int) string {
	body := `{"changes":[` + strings.TrimSuffix(repeated(n, `{"set":{"name":"n%d","value":"","expectedVersion":7}},`), ",") + "]}"
	return fmt.Sprintf("POST /changes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func unread(n int, request func(i int) string) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		for i := range n {
			conn, err := t.unread(request(i))
			if err != nil {
				return "", err
			}
			defer conn.Close()
		}
		wait(ctx, holdFor)
		return fmt.Sprintf("%d not taken", n), nil
	}
}

// unreadSockets opens websockets with so many operations each, and reads nothing of the results.
func unreadSockets(sockets, operations int, query string) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		for range sockets {
			socket, err := t.socket(ctx)
			if err != nil {
				return "", err
			}
			defer socket.Close()
			for i := range operations {
				if err := socket.Subscribe(strconv.Itoa(i), query, nil); err != nil {
					return "", err
				}
			}
		}
		wait(ctx, holdFor)
		return fmt.Sprintf("%d not taken", sockets*operations), nil
	}
}

// socket opens a websocket that the server has acknowledged.
func (t *target) socket(ctx context.Context) (*websockettest.Client, error) {
	return websockettest.Open(ctx, t.server.URL("/graphql"), websockettest.Options{})
}
