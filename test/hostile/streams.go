package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// streamAttacks hold streams.
var streamAttacks = []attack{
	{
		name: "events", about: "100 readers of `/events` from the beginning that take nothing, values of 1 MiB",
		fill:   fillOneName,
		strike: unreadPaths(100, "/events?after=0-00000000"),
		most:   figures{memory: 640, cpu: 30 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "graphql-events", about: "100 such readers of GraphQL's `configChanges`",
		fill: fillOneName,
		strike: unread(100, func(int) string {
			const query = `subscription{configChanges(after:"0-00000000"){changes{value oldValue} position}}`
			return fmt.Sprintf("GET /graphql?query=%s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n", url.QueryEscape(query))
		}),
		most: figures{memory: 640, cpu: 30 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "socket-streams", about: "100 websockets with such a subscription each",
		fill:   fillOneName,
		strike: unreadSockets(100, 1, `subscription{configChanges(after:"0-00000000"){changes{value oldValue} position}}`),
		most:   figures{memory: 640, cpu: 30 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "filters", about: "10,000 subscriptions with different filters, none of which matches 500 writes", store: "memory",
		strike: unconcerned,
		// 500 writes cost a few hundred milliseconds by themselves, and 10,000 subscriptions some
		// seconds.
		most: figures{memory: 640, cpu: 8 * time.Second, wall: 60 * time.Second},
	},
	{
		name: "long-subscriptions", about: "10,000 subscriptions with documents of 60 kB, all different", store: "memory",
		strike: longSubscriptions(100, 100, 60_000),
		most:   figures{memory: 480, cpu: 30 * time.Second, wall: 60 * time.Second},
	},
}

// longSubscriptions opens sockets, each with so many subscriptions that are long by a comment.
func longSubscriptions(sockets, streams, bytes int) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		comment := strings.Repeat("x", bytes)
		var begun, refused atomic.Int64
		for i := range sockets {
			socket, err := t.socket(ctx)
			if err != nil {
				return "", err
			}
			defer socket.Close()
			for j := range streams {
				query := fmt.Sprintf(`subscription{config(name:"none"){name}}#%d.%d%s`, i, j, comment)
				if err := socket.Subscribe(strconv.Itoa(j), query, nil); err != nil {
					return "", err
				}
			}
			go func() {
				for {
					message, err := socket.Receive()
					switch {
					case err != nil:
						return
					case strings.Contains(message.Text, "UNAVAILABLE"):
						refused.Add(1)
					default:
						begun.Add(1)
					}
				}
			}()
		}
		for begun.Load()+refused.Load() < int64(sockets*streams) && ctx.Err() == nil {
			wait(ctx, 20*time.Millisecond)
		}
		return fmt.Sprintf("%d began, %d were refused", begun.Load(), refused.Load()), nil
	}
}

// unconcerned opens sockets whose subscriptions no write concerns, and then writes.
func unconcerned(ctx context.Context, t *target) (string, error) {
	const sockets, streams, writes = 100, 100, 500
	var heard atomic.Int64
	for i := range sockets {
		socket, err := t.socket(ctx)
		if err != nil {
			return "", err
		}
		defer socket.Close()
		for j := range streams {
			query := fmt.Sprintf(`subscription{configChanges(filter:{prefix:"f%d-%d"}){position}}`, i, j)
			if err := socket.Subscribe(strconv.Itoa(j), query, nil); err != nil {
				return "", err
			}
		}
		go func() {
			for {
				if _, err := socket.Receive(); err != nil {
					return
				}
				heard.Add(1)
			}
		}()
	}
	for heard.Load() < sockets*streams && ctx.Err() == nil { // each says where it begins
		wait(ctx, 20*time.Millisecond)
	}
	before, err := t.server.usage()
	if err != nil {
		return "", err
	}
	if err := t.putMany(writes, 1, func(i int) (string, string) { return fmt.Sprintf("w%d", i), "x" }); err != nil {
		return "", err
	}
	after, err := t.server.usage()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.2f ms of CPU a write", (after.cpu-before.cpu).Seconds()*1000/writes), nil
}

// bodyAttacks send requests that never end, or too many of them.
var bodyAttacks = []attack{
	{
		name: "bodies", about: "100 bodies of 6.2 of 6.29 MB that never end", store: "memory",
		strike: unfinishedBodies(100, 6_290_000, 6_200_000),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "chunked", about: "100 chunked bodies of 6 MB that never end", store: "memory",
		strike: unfinishedBodies(100, 0, 6_000_000),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "headers", about: "5,000 connections that send half a header", store: "memory",
		strike: halfHeaders(5000, "Host: local"),
		most:   figures{memory: 400, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
	{
		name: "long-headers", about: "10,000 connections that send 60 kB of a header", store: "memory",
		strike: halfHeaders(10_000, "X-Long: "+strings.Repeat("x", 60_000)),
		most:   figures{memory: 640, cpu: 20 * time.Second, wall: 40 * time.Second},
	},
}

// unfinishedBodies begins requests and sends a part of their bodies. A length of 0: in chunks.
func unfinishedBodies(n, length, sent int) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		body := strings.Repeat("x", sent)
		var whole atomic.Int64
		for range n {
			conn, err := t.unread("")
			if err != nil {
				return "", err
			}
			defer conn.Close()
			go func() {
				head := "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
				if length > 0 {
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", length)
				} else {
					head += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", sent+1)
				}
				if _, err := io.WriteString(conn, head+body); err == nil {
					whole.Add(1)
				}
			}()
		}
		wait(ctx, holdFor)
		return fmt.Sprintf("%d were taken whole", whole.Load()), nil
	}
}

// halfHeaders opens connections that send a request up to a half of its header.
func halfHeaders(n int, half string) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		for range n {
			conn, err := t.unread("GET /config HTTP/1.1\r\n" + half)
			if err != nil {
				return "", err
			}
			defer conn.Close()
		}
		wait(ctx, holdFor/2) // they get room one after the other
		began := time.Now()
		answer, err := http.Get(t.server.URL("/livez"))
		if err != nil {
			return "", err
		}
		_ = answer.Body.Close()
		return fmt.Sprintf("/livez in %.0f ms", time.Since(began).Seconds()*1000), nil
	}
}
