package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// clientOptions are options of the clients that load a server.
type clientOptions struct {
	kind     string        // clientLean or clientNetHTTP
	nextName func() int    // number of the next request's name; called concurrently
	life     time.Duration // from now on; requests of a slower server fail
}

// connect opens one connection per client. It returns an operation for each, which sends r with
// random numbers.
func connect(address string, r request, clients int, o clientOptions) ([]operation, closers, error) {
	open := opener(o.kind)
	var operations []operation
	var opened closers
	for range clients {
		send, closer, err := open(address, r, time.Now().Add(o.life))
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("connecting to %s: %w", address, err), opened.Close())
		}
		opened = append(opened, closer)
		operations = append(operations, func() error {
			status, body, err := send(o.nextName(), randomValue())
			if err != nil {
				return err
			}
			return r.check(status, body)
		})
	}
	return operations, opened, nil
}

// randomValue returns the number of a random value.
func randomValue() int { return rand.IntN(1_000_000_000_000) }

// sender sends a request with the numbers filled in. The body is valid until the next call.
type sender func(name, value int) (status int, body []byte, err error)

// opener returns the function that connects a kind of client.
func opener(kind string) func(address string, r request, deadline time.Time) (sender, io.Closer, error) {
	if kind == clientNetHTTP {
		return openNetHTTP
	}
	return openLean
}

// openLean connects a leanClient.
func openLean(address string, r request, deadline time.Time) (sender, io.Closer, error) {
	client, err := dialLean(address, deadline)
	if err != nil {
		return nil, nil, err
	}
	wire := newTemplate(r.wire(address))
	return func(name, value int) (int, []byte, error) {
		return client.roundTrip(wire.fill(name, value))
	}, client, nil
}

// openNetHTTP connects a client of net/http with its own connection.
func openNetHTTP(address string, r request, deadline time.Time) (sender, io.Closer, error) {
	transport := &http.Transport{DisableCompression: true, MaxConnsPerHost: 1}
	client := &http.Client{Transport: transport, Timeout: time.Until(deadline)}
	path, body := newTemplate(r.path), newTemplate(r.body)
	send := func(name, value int) (int, []byte, error) {
		url := "http://" + address + string(path.fill(name, value))
		request, err := http.NewRequest(r.method, url, strings.NewReader(string(body.fill(name, value))))
		if err != nil {
			return 0, nil, err
		}
		if r.secret != "" {
			request.Header.Set("Authorization", "Bearer "+r.secret)
		}
		if r.body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		answer, err := client.Do(request)
		if err != nil {
			return 0, nil, err
		}
		text, err := io.ReadAll(answer.Body)
		return answer.StatusCode, text, errors.Join(err, answer.Body.Close())
	}
	return send, closerFunc(func() error { transport.CloseIdleConnections(); return nil }), nil
}

// closerFunc is a function as an [io.Closer].
type closerFunc func() error

func (f closerFunc) Close() error { return f() }

// closers closes its elements in reverse order.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i].Close())
	}
	return errors.Join(errs...)
}
