package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

const (
	// guessRate is how many tokens are tried in a second.
	guessRate = 10_000
	// guessFor is how long they are tried.
	guessFor = 5 * time.Second
)

// guessAttacks try tokens that are not valid. The other client's token is valid, and its address is
// the same.
var guessAttacks = []attack{
	{
		name: "guesses", about: "10,000 tokens a second that are mistyped or revoked, on REST, GraphQL and both kinds of event streams, from one address",
		store: "memory", secured: true,
		strike: guesses(64, false, (*target).badTokens),
		most:   figures{memory: 200, cpu: 20 * time.Second, wall: 20 * time.Second, write: 3 * time.Second, log: 1024, each: 200 * time.Microsecond},
	},
	{
		name: "guesses-of-many", about: "the same, each from another address, which a trusted proxy names",
		store: "memory", secured: true, flags: []string{"--trusted-proxy", "127.0.0.1"},
		strike: guesses(1200, true, (*target).badTokens),
		most:   figures{memory: 200, cpu: 20 * time.Second, wall: 20 * time.Second, write: 3 * time.Second, log: 1024, each: 200 * time.Microsecond},
	},
	{
		name: "guesses-unknown", about: "1,000 clients with tokens that are well-formed and that no server has issued",
		store: "memory", secured: true,
		strike: guesses(1000, false, (*target).strangeTokens),
		most:   figures{memory: 200, cpu: 20 * time.Second, wall: 20 * time.Second, write: 3 * time.Second, log: 1024, each: 200 * time.Microsecond},
	},
	{
		name: "guesses-sockets", about: "10,000 websockets a second with tokens that are mistyped or revoked, by 64 clients",
		store: "memory", secured: true,
		strike: guessOnSockets,
		most:   figures{memory: 200, cpu: 20 * time.Second, wall: 20 * time.Second, write: 3 * time.Second, each: time.Millisecond},
	},
	{
		name: "revoked", about: "1,000 clients of one token, with websockets, event streams or polling, which come back 10 times each without a pause when it is revoked",
		store: "memory", secured: true,
		strike: revokedClients,
		most:   figures{memory: 250, cpu: 30 * time.Second, wall: 40 * time.Second, write: 5 * time.Second},
	},
}

// guessRequests are requests of all edges, without their last lines.
var guessRequests = []string{
	"GET /config/a HTTP/1.1\r\nHost: localhost\r\n",
	"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 24\r\n",
	"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n",
	"GET /graphql?query=subscription{configChanges{position}} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n",
}

// guessBody is the body of the one that has a body.
const guessBody = `{"query":"{__typename}"}`

// guesses has clients try tokens in turn on all edges, together at guessRate. varied reports
// whether each request names an address of its own.
func guesses(clients int, varied bool, tokens func(*target, context.Context) ([]string, error)) func(context.Context, *target) (string, error) {
	return func(ctx context.Context, t *target) (string, error) {
		secrets, err := tokens(t, ctx)
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(ctx, guessFor)
		defer cancel()
		pace := rate.NewLimiter(guessRate, guessRate/1000)
		var answers tally
		err = inParallel(clients, clients, func(client int) error {
			conn, err := t.unread("")
			if err != nil {
				return err
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for i := client; pace.Wait(ctx) == nil; i++ {
				request := guessRequests[i%len(guessRequests)] + "Authorization: Bearer " + secrets[i/len(guessRequests)%len(secrets)] + "\r\n"
				if varied {
					n := rand.Uint32()
					request += fmt.Sprintf("X-Forwarded-For: 10.%d.%d.%d\r\n", byte(n>>16), byte(n>>8), byte(n))
				}
				request += "\r\n"
				if strings.HasPrefix(request, "POST") {
					request += guessBody
				}
				t.sent.Add(1)
				status, err := exchange(conn, in, request)
				if err != nil {
					return err
				}
				answers.add(status)
			}
			return nil
		})
		return answers.String(), err
	}
}

// exchange sends a request and returns the status of its answer, which has a Content-Length. It
// takes little processor time, which the server would lack.
func exchange(conn net.Conn, in *bufio.Reader, request string) (status string, err error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return "", err
	}
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if status == "" {
			status = strings.TrimPrefix(string(line[:min(len(line), len("HTTP/1.1 200"))]), "HTTP/1.1 ")
		}
		if len(line) == len("\r\n") {
			break
		}
		if digits, is := bytes.CutPrefix(line, []byte("Content-Length: ")); is {
			for _, digit := range bytes.TrimSpace(digits) {
				length = 10*length + int(digit-'0')
			}
		}
	}
	_, err = in.Discard(length)
	return status, err
}

// badTokens returns a mistyped token and a revoked one.
func (t *target) badTokens(ctx context.Context) ([]string, error) {
	revoked, err := t.makeToken("gone")
	if err != nil {
		return nil, err
	}
	return []string{"cfg_mistyped", revoked}, t.revoke("gone")
}

// strangeTokens returns a well-formed token that the server does not know.
func (t *target) strangeTokens(ctx context.Context) ([]string, error) {
	secret, err := makeSecret(ctx, t.server.binary, filepath.Join(t.server.dir, "other"))
	return []string{secret}, err
}

// guessOnSockets has clients open websockets whose connection_init has a bad token.
func guessOnSockets(ctx context.Context, t *target) (string, error) {
	secrets, err := t.badTokens(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, guessFor)
	defer cancel()
	pace := rate.NewLimiter(guessRate, guessRate/1000)
	var answers tally
	var group errgroup.Group
	for range 64 {
		group.Go(func() error {
			for i := 0; pace.Wait(ctx) == nil; i++ {
				t.sent.Add(1)
				answers.add(t.tryStream(context.WithoutCancel(ctx), streamOnSocket, secrets[i%len(secrets)]))
			}
			return nil
		})
	}
	err = group.Wait()
	return answers.String(), err
}
