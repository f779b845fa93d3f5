// Package graphqlws tests whether a server keeps the rules of the graphql-transport-ws protocol,
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Each rule is a [Case], which
// tests it on a running server.
//
// The cases send raw websocket frames, also those that a websocket library would not send:
// fragmented messages, frames without a mask or with wrong lengths, invalid UTF-8, or nothing at
// all. They see the server from outside only, so a [Target] may be written in any language. The
// package does not test what a server answers to a GraphQL document.
//
// The command in the folder check tests a server that is running. [Run] is for the tests of a Go
// server. Rules about timeouts wait as long as the server's limits are. In a bubble of
// testing/synctest that takes no time: there, each case gets its own bubble and server, connected
// by [Serve].
//
// The package needs the standard library only, and internal/websockettest for the frames.
package graphqlws

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Source says which document a rule comes from.
type Source string

const (
	// Protocol is the specification of graphql-transport-ws.
	Protocol Source = "protocol"
	// Reference is the behaviour of the protocol author's server, graphql-ws, where the
	// specification says nothing.
	Reference Source = "reference"
	// Websocket is RFC 6455.
	Websocket Source = "RFC 6455"
	// Hardening is what protects a server from broken, slow or hostile clients. The specification
	// leaves it open.
	Hardening Source = "hardening"
)

// Case is a rule and a test of it.
type Case struct {
	Name   string // for example "subscribe/id-in-use"
	Source Source
	Rule   string   // what the server does, as a sentence
	Needs  []string // fields of [Target] that the case needs

	try func(*trial)
}

// Cases returns all cases in a readable order. They do not depend on one another.
func Cases() []Case {
	return slices.Concat(handshakeCases, initCases, invalidCases(), payloadCases(), pingCases, subscribeCases, completeCases, frameCases, brokenFrameCases(), limitCases)
}

// Applies returns why the rule does not apply to the target, or "" if it does.
func (c Case) Applies(target Target) (why string) {
	var missing []string
	for _, field := range c.Needs {
		if reflect.ValueOf(target).FieldByName(field).IsZero() {
			missing = append(missing, field)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "the target has no " + strings.Join(missing, " and no ")
}

// Try runs the case against the target. It returns nil if the server keeps the rule, else what the
// server did instead, or the error of ctx. It also returns an error if the rule does not apply.
func (c Case) Try(ctx context.Context, target Target) error {
	if why := c.Applies(target); why != "" {
		return fmt.Errorf("%s does not apply: %s", c.Name, why)
	}
	stop := c.trigger(ctx, target)
	t := newTrial(ctx, target)
	c.try(t)
	t.end()
	if err := stop(); err != nil && t.err != nil {
		return fmt.Errorf("%w; and Trigger did not succeed: %w", t.err, err)
	}
	return t.err
}

// trigger sends the target's Trigger repeatedly on another socket while a case waits for messages
// of its Subscription. stop returns the error of a Trigger that failed.
func (c Case) trigger(ctx context.Context, target Target) (stop func() error) {
	if target.Trigger == "" || !slices.Contains(c.Needs, "Subscription") {
		return func() error { return nil }
	}
	t := newTrial(ctx, target)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.end()
		for s := t.open(); t.err == nil; {
			s.subscribe("trigger", target.Trigger)
			s.wantAnswer("trigger")
			select {
			case <-time.After(target.patience() / 100):
			case <-t.ctx.Done():
				return
			}
		}
	}()
	return func() error {
		t.cancel()
		<-done
		if errors.Is(t.err, context.Canceled) {
			return nil
		}
		return t.err
	}
}

// Test runs the case as a test. It skips the test if the rule does not apply.
func (c Case) Test(t *testing.T, target Target) {
	t.Helper()
	if why := c.Applies(target); why != "" {
		t.Skip("does not apply: " + why)
	}
	if err := c.Try(t.Context(), target); err != nil {
		t.Errorf("%s\n%v", c.Rule, err)
	}
}

// Run tests all cases in turn, each as a subtest.
func Run(t *testing.T, target Target) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Test(t, target) })
	}
}
