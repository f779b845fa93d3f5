package graphqlws

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Source is where a rule comes from.
type Source string

const (
	// Protocol is the text of the protocol.
	Protocol Source = "protocol"
	// Reference is what the server of the protocol's author does where the text says nothing.
	Reference Source = "reference"
	// Websocket is RFC 6455.
	Websocket Source = "RFC 6455"
	// Hardening is what keeps a server up when its clients are broken, slow or hostile. The protocol leaves it open.
	Hardening Source = "hardening"
)

// Case is a rule, and how to try whether a server keeps it.
type Case struct {
	Name   string // such as "subscribe/id-in-use"
	Source Source
	Rule   string   // what the server does, in a sentence
	Needs  []string // fields of [Target] without which the rule does not apply

	try func(*trial)
}

// Cases returns all cases, in an order that is good to read. Each stands alone.
func Cases() []Case {
	return slices.Concat(handshakeCases, initCases, invalidCases(), payloadCases(), pingCases, subscribeCases, completeCases, frameCases, brokenFrameCases(), limitCases)
}

// Applies returns the empty text when the rule applies to the target, else why it does not.
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

// Try tries the rule on the target, and returns what the server did instead. The end of ctx ends it with an error. It must apply.
func (c Case) Try(ctx context.Context, target Target) error {
	if why := c.Applies(target); why != "" {
		return fmt.Errorf("%s does not apply: %s", c.Name, why)
	}
	stop := c.pulse(ctx, target)
	t := newTrial(ctx, target)
	c.try(t)
	t.end()
	if err := stop(); err != nil && t.err != nil {
		return fmt.Errorf("%w; and Trigger did not succeed: %w", t.err, err)
	}
	return t.err
}

// Test tries the rule as a part of a test. When it does not apply, the test is skipped, and says why.
func (c Case) Test(t *testing.T, target Target) {
	t.Helper()
	if why := c.Applies(target); why != "" {
		t.Skip("does not apply: " + why)
	}
	if err := c.Try(t.Context(), target); err != nil {
		t.Errorf("%s\n%v", c.Rule, err)
	}
}

// Run tests all cases, one after the other, each as a subtest.
func Run(t *testing.T, target Target) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Test(t, target) })
	}
}
