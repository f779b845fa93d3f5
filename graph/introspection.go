package graph

import (
	"context"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/fault"
)

// Introspection says which callers may read the schema with __schema and __type. A caller that may
// not can still ask for __typename. The zero value is IntrospectionForTokens.
type Introspection int

const (
	// IntrospectionForTokens is for callers with a token. On an open server it is for all callers.
	IntrospectionForTokens Introspection = iota
	IntrospectionOn                      // for every caller that is served
	IntrospectionOff                     // for none
)

var introspectionTexts = [...]string{IntrospectionForTokens: "tokens", IntrospectionOn: "on", IntrospectionOff: "off"}

// MarshalText returns tokens, on or off.
func (i Introspection) MarshalText() ([]byte, error) { return []byte(introspectionTexts[i]), nil }

// UnmarshalText sets what MarshalText has returned.
func (i *Introspection) UnmarshalText(text []byte) error {
	for known, word := range introspectionTexts {
		if word == string(text) {
			*i = Introspection(known)
			return nil
		}
	}
	return fmt.Errorf("%q is neither on, tokens nor off", text)
}

// refuse returns why the sender of an operation may not introspect, nil if it may, or if the
// operation does not introspect.
func (i Introspection) refuse(ctx context.Context, store *configstore.Store, operation *ast.OperationDefinition) *gqlerror.Error {
	if i == IntrospectionOn || !introspects(operation.SelectionSet) {
		return nil
	}
	if i == IntrospectionOff {
		return refused(fault.SchemaHidden, "this server shows its schema to nobody: take it from schema.graphql of the server's version")
	}
	caller, err := store.Viewer(auth.FromContext(ctx))
	switch {
	case err != nil:
		return refused(fault.KindOf(err), fault.Message(err))
	case caller.IsAnonymous() && caller.Grants != auth.Everything:
		return refused(fault.SchemaHidden, "this server shows its schema only to callers with a token: send one as Authorization: Bearer cfg_…")
	}
	return nil
}

func refused(kind fault.Kind, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": kind.Code()}}
}

// introspects reports whether a selection at the root of a valid operation contains __schema or
// __type. It also finds those that a directive leaves out.
func introspects(selections ast.SelectionSet) bool {
	for _, selection := range selections {
		found := false
		switch selection := selection.(type) {
		case *ast.Field:
			found = selection.Name == "__schema" || selection.Name == "__type"
		case *ast.InlineFragment:
			found = introspects(selection.SelectionSet)
		case *ast.FragmentSpread:
			found = introspects(selection.Definition.SelectionSet)
		}
		if found {
			return true
		}
	}
	return false
}
