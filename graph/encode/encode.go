// Package encode writes GraphQL objects as JSON without executing their fields one by one, where
// all that is selected of them is in memory.
//
// It is the fast path of package graph, and the only one. gqlgen takes about 13 allocations for
// each field, and a goroutine for each object of a list. This package compiles a selection set into
// an encoder once, and the encoder writes each object in one pass:
//
//   - [Result] encodes what a resolver has returned, a page of configs for example. gqlgen executes
//     the operation down to that field. BenchmarkConfigs of package graph pays for it.
//   - [LookupsOf] encodes a whole query, when it selects nothing but configs by name. gqlgen does
//     not execute such a query at all. BenchmarkConfig and BenchmarkFragment pay for it.
//   - [SetMutationOf] encodes the change of a mutation that sets one config. gqlgen executes none
//     of it, unless there is more to say than what has changed. BenchmarkSet pays for it.
//
// ADR 0017 has the figures.
//
// # Why the bytes are those of gqlgen
//
// Only fields whose value is in memory are encoded, so none of them can fail: there are no errors,
// no paths of errors, and no null that spreads to a parent. Each value is written by the function
// that the generated code calls for its type. Fields are written in the order in which they are
// selected, as gqlgen does it. A selection set that is more than a list of fields is left to gqlgen
// as a whole: one with a directive, with a fragment within a fragment, with a field that is not
// listed in types.go, or with an object that is selected twice and has to be merged. A field that
// is new in the schema therefore works before this package knows it, and is only slower.
//
// TestEncodedFields and TestLookups of package graph draw random documents, and they and
// TestSetMutations compare the bytes with those of gqlgen alone.
//
// The package reads nothing from the event store and counts no bytes against a budget: its caller
// does.
package encode

import (
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
	"configapi/graph/object"
)

// Encoded is the result of a field, ready to be written. gqlgen writes it in place of the result
// and executes none of the fields below it.
type Encoded interface {
	graphql.Marshaler
	// Size returns its length as JSON in bytes, or a little more.
	Size() int64
}

// Result returns the result of a field, encoded with what is selected below it. It returns nil when
// gqlgen must execute the fields below it.
func Result(result any, set ast.SelectionSet) Encoded {
	switch result := result.(type) {
	case *object.Config:
		return encodeOne(configType, set, result)
	case []object.Config:
		return encodeList(configType, set, result)
	case *object.ConfigRevision:
		return encodeOne(revisionType, set, result)
	case []object.ConfigRevision:
		return encodeList(typeOfAll(result), set, result)
	case model.ConfigChanged:
		return encodeOne(changedType, set, &result)
	case object.ConfigsChanged:
		return encodeOne(configsType, set, &result)
	}
	return nil
}

// encodeOne leaves null to gqlgen, which checks whether the field may be null.
func encodeOne[T any](t objectType[T], set ast.SelectionSet, object *T) Encoded {
	if encoder := t.compile(set); encoder != nil && object != nil {
		return &encodedObject[T]{encoder, object}
	}
	return nil
}

func encodeList[T any](t objectType[T], set ast.SelectionSet, objects []T) Encoded {
	if encoder := t.compile(set); encoder != nil {
		return &encodedList[T]{encoder, objects}
	}
	return nil
}

type encodedObject[T any] struct {
	encoder objectEncoder[T]
	object  *T
}

func (e *encodedObject[T]) Size() int64            { return e.encoder.size(e.object) }
func (e *encodedObject[T]) MarshalGQL(w io.Writer) { e.encoder.write(w, e.object) }

type encodedList[T any] struct {
	encoder objectEncoder[T]
	objects []T
}

func (e *encodedList[T]) Size() int64 {
	size := int64(len(`[]`))
	for i := range e.objects {
		size += e.encoder.size(&e.objects[i]) + int64(len(`,`))
	}
	return size
}

func (e *encodedList[T]) MarshalGQL(w io.Writer) {
	_, _ = io.WriteString(w, "[")
	for i := range e.objects {
		if i > 0 {
			_, _ = io.WriteString(w, ",")
		}
		e.encoder.write(w, &e.objects[i])
	}
	_, _ = io.WriteString(w, "]")
}
