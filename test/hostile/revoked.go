package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/websockettest"
)

const (
	// revokedCount is how many clients have the token that is revoked.
	revokedCount = 1000
	// comeBack is how often each tries again.
	comeBack = 10
	// tidyTime is how long the server may take to release what they have used.
	tidyTime = 15 * time.Second
)

// stream is what a client of a token has open.
type stream int

const (
	streamOnSocket stream = iota
	streamOfEvents
	polling
	streamKinds
)

// revokedClients opens streams of 1,000 clients of one token, revokes it, and has all come back at
// once. Every one of them must be refused, and the server must end up with what it had before.
func revokedClients(ctx context.Context, t *target) (string, error) {
	secret, err := t.makeToken("crowd")
	if err != nil {
		return "", err
	}
	before, err := t.metric("go_goroutines")
	if err != nil {
		return "", err
	}
	var answers tally
	var opened sync.WaitGroup
	var all errgroup.Group
	opened.Add(revokedCount)
	for i := range revokedCount {
		all.Go(func() error {
			kind := stream(i % int(streamKinds))
			first := t.holdStream(ctx, kind, secret, opened.Done)
			answers.add("ended: " + first)
			for range comeBack {
				t.sent.Add(1)
				outcome := t.tryStream(ctx, kind, secret)
				answers.add(outcome)
				if !refusals[outcome] {
					return fmt.Errorf("a client with a revoked token got %s", outcome)
				}
			}
			return nil
		})
	}
	opened.Wait()
	if err := t.revoke("crowd"); err != nil {
		return "", err
	}
	if err := all.Wait(); err != nil {
		return "", err
	}
	t.client.CloseIdleConnections()
	return answers.String(), t.awaitTidy(ctx, before)
}

// refusals are the answers that a client with a revoked token may get.
var refusals = map[string]bool{"401": true, "429": true, "4403": true, "1013": true}

// awaitTidy waits until the server has about as many goroutines as before.
func (t *target) awaitTidy(ctx context.Context, before float64) error {
	const others = 20 // of the other client, and of the server itself
	ctx, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	for {
		now, err := t.metric("go_goroutines")
		if err != nil || now <= before+others {
			return err
		}
		if wait(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("the server has %.0f goroutines %v after all clients have gone, and had %.0f", now, tidyTime, before)
		}
	}
}

// holdStream opens a stream, or polls, until the server ends it, and returns how. opened is called
// when it is open.
func (t *target) holdStream(ctx context.Context, kind stream, secret string, opened func()) string {
	opened = sync.OnceFunc(opened)
	defer opened()
	if kind != polling {
		return t.openStream(ctx, kind, secret, opened)
	}
	for {
		answer := t.openStream(ctx, kind, secret, func() {})
		if answer != "200" {
			return answer
		}
		opened()
		wait(ctx, 100*time.Millisecond)
	}
}

// tryStream opens a stream that must be refused, and returns how.
func (t *target) tryStream(ctx context.Context, kind stream, secret string) string {
	return t.openStream(ctx, kind, secret, func() {})
}

// openStream opens a stream, calls opened when it is open, and returns how it ends: a status or the
// code of a close frame, else a text.
func (t *target) openStream(ctx context.Context, kind stream, secret string, opened func()) string {
	if kind == streamOnSocket {
		return endOfSocket(t.openSocket(ctx, secret, opened))
	}
	path := map[stream]string{streamOfEvents: "/events", polling: "/config/" + witnessed}[kind]
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.server.URL(path), nil)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	answer, err := t.client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		opened()
	}
	text, err := io.ReadAll(answer.Body)
	if err == nil && strings.Contains(string(text), "UNAUTHENTICATED") && answer.StatusCode == http.StatusOK {
		return "an error event"
	}
	return strconv.Itoa(answer.StatusCode)
}

// openSocket opens a websocket with a subscription, calls opened, and returns its end.
func (t *target) openSocket(ctx context.Context, secret string, opened func()) error {
	socket, err := websockettest.Open(ctx, t.server.URL("/graphql"), websockettest.Options{
		Init: `{"Authorization":"Bearer ` + secret + `"}`, Patience: strikeTime,
	})
	if err != nil {
		return err
	}
	defer socket.Close()
	if err := socket.Subscribe("1", `subscription{configChanges(filter:{prefix:"none"}){position}}`, nil); err != nil {
		return err
	}
	for {
		if _, err := socket.Receive(); err != nil {
			return err
		}
		opened()
	}
}

func endOfSocket(err error) string {
	if code := websockettest.CloseCode(err); code != 0 {
		return strconv.Itoa(code)
	}
	return err.Error()
}

// makeToken makes a token that may read everything, and returns its secret.
func (t *target) makeToken(name string) (string, error) {
	body := `{"name":"` + name + `","grants":[{"actions":["READ"],"prefix":""}]}`
	request, err := http.NewRequest(http.MethodPost, t.server.URL("/tokens"), strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+t.server.secret)
	answer, err := t.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var made struct{ Secret string }
	if err := json.NewDecoder(answer.Body).Decode(&made); err != nil || made.Secret == "" {
		return "", errors.Join(fmt.Errorf("making a token: %s", answer.Status), err)
	}
	return made.Secret, nil
}

// revoke ends a token.
func (t *target) revoke(name string) error {
	request, err := http.NewRequest(http.MethodDelete, t.server.URL("/tokens/"+name), nil)
	if err != nil {
		return err
	}
	return t.expectOK(request)
}

// metric returns a metric of the server that has no labels.
func (t *target) metric(name string) (float64, error) {
	request, err := http.NewRequest(http.MethodGet, t.server.URL("/metrics"), nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+t.server.secret)
	answer, err := t.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, is := strings.CutPrefix(lines.Text(), name+" "); is {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the metrics lack %s: %s", name, answer.Status)
}
