package graph

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// fieldSyntax is what a field has around its name and its value, with the braces of the object that
// it is in: quotes, colon, commas.
const fieldSyntax = 8

// countField is the middleware of all fields: bytes of answers are counted while their fields are
// resolved, so that one that is too large stops before it is written. It resolves a field unless the answer was given up, and counts what it returns.
func countField(ctx context.Context, next graphql.Resolver) (any, error) {
	answer := transport.AnswerOf(ctx)
	if err := answer.Proceed(); err != nil {
		return nil, err
	}
	result, err := next(ctx)
	if err != nil {
		return nil, err
	}
	field := graphql.GetFieldContext(ctx)
	name := int64(len(field.Field.Alias) + fieldSyntax)
	if answer.Sure() && isPast(field) {
		return result, answer.CountWithin(name + sizeOf(result))
	}
	if whole := writable(result, field.Field.Selections); whole != nil {
		return whole, answer.Count(ctx, name+whole.size())
	}
	return result, answer.Count(ctx, name+sizeOf(result))
}

// isPast reports whether a field is of a config's past. Such fields may be null, and fail alone.
func isPast(field *graphql.FieldContext) bool {
	for ; field != nil; field = field.Parent {
		if field.Object == "Config" && (field.Field.Field != nil && (field.Field.Name == "history" || field.Field.Name == "asOf")) {
			return true
		}
	}
	return false
}

// shortSize is the longest that instants, positions, numbers and operations are.
const shortSize = 40

// sizeOf returns the length of a field's value in the answer, or a little more. Objects and lists
// have the length of their fields.
func sizeOf(result any) int64 {
	const (
		null     = 4
		smallest = 2
	)
	switch value := result.(type) {
	case string:
		return quotedSize(value)
	case *string:
		if value == nil {
			return null
		}
		return quotedSize(*value)
	case nil:
		return null
	case int32, bool, time.Time, eventstore.Position:
		return shortSize
	default:
		return shortSize + smallest
	}
}

// quotedSize returns the length of a text as JSON, the way gqlgen writes it. It looks at eight
// bytes at a time, since nearly all of them need no escape.
func quotedSize(text string) int64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	size := int64(len(text)) + 2
	for len(text) >= 8 {
		word := binary.LittleEndian.Uint64([]byte(text[:8]))
		control := (word - ones*0x20) & ^word
		quote := word ^ ones*'"'
		backslash := word ^ ones*'\\'
		if (control|(quote-ones)&^quote|(backslash-ones)&^backslash)&highs != 0 {
			size += escapes(text[:8])
		}
		text = text[8:]
	}
	return size + escapes(text)
}

// escapes returns the bytes by which escapes make a text longer.
func escapes(text string) (more int64) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\' || c == '\t' || c == '\n' || c == '\r':
			more++
		case c < 0x20:
			more += 5
		}
	}
	return more
}

// largeEnough is the size of an answer, in bytes, for whose buffer room is made at once.
const largeEnough = 8 << 10

// sizeBuffer makes a large answer's buffer as large as it has to be, before the answer is written:
// otherwise it would double again and again.
func sizeBuffer(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	resolved := next(ctx)
	answer := transport.AnswerOf(ctx)
	if answer.Size() < largeEnough || resolved == graphql.Null || resolved == graphql.RequiredNull {
		return resolved
	}
	return sized{resolved, answer}
}

// sized is a root field that is to be written.
type sized struct {
	graphql.Marshaler
	answer *transport.Answer
}

func (s sized) MarshalGQL(w io.Writer) {
	buffer, ok := w.(*bytes.Buffer)
	if !ok || s.answer.Failed() {
		s.Marshaler.MarshalGQL(w)
		return
	}
	buffer.Grow(max(0, int(s.answer.Size())-buffer.Len()))
	s.Marshaler.MarshalGQL(&yielding{buffer: buffer})
}

// yielding is a buffer whose writer gives up the processor now and then. To write a large answer
// takes tens of milliseconds, and the scheduler would let others wait for 10 of them at a time.
type yielding struct {
	buffer *bytes.Buffer
	since  int // bytes since it last did
}

// yieldBytes take some tens of microseconds.
const yieldBytes = 64 << 10

func (y *yielding) Write(p []byte) (int, error) {
	y.count(len(p))
	return y.buffer.Write(p)
}

func (y *yielding) WriteString(s string) (int, error) {
	y.count(len(s))
	return y.buffer.WriteString(s)
}

func (y *yielding) count(bytes int) {
	if y.since += bytes; y.since >= yieldBytes {
		y.since = 0
		runtime.Gosched()
	}
}

// The bytes that a page of the store, and one record of it, may have.
const (
	pageBytes     = configstore.PageBytes
	revisionBytes = 1 << 20
	// recordBytes is what a revision takes without its values.
	recordBytes = 512
)

// The transports reserve room for whole pages. This does not compile if they expect another size.
var _ [pageBytes]struct{} = [transport.PageBytes]struct{}{}

func revisionsSize(revisions []*eventstore.Revision) (size int64) {
	for _, r := range revisions {
		size += int64(len(r.Value.String())+len(r.OldValue.String())) + recordBytes
	}
	return size
}

func stateSize(c *projection.Config) int64 {
	if c == nil {
		return 0
	}
	return int64(len(c.Value.String())) + recordBytes
}

func statesSize(states []*projection.Config) (size int64) {
	for _, c := range states {
		size += stateSize(c)
	}
	return size
}

// page is what a read of the store has found: items, and whether there are more.
type page[T any] struct {
	items []T
	more  bool
}

// readChanges reads a page of changes in the room of the answer.
func readChanges(ctx context.Context, read func() (configstore.Changes, error)) (configstore.Changes, error) {
	return transport.ReadPage(ctx, pageBytes, read, func(c configstore.Changes) int64 { return revisionsSize(c.Revisions) })
}

// readRevisions reads a page of a history in the room of the answer.
func readRevisions(ctx context.Context, read func() ([]*eventstore.Revision, bool, error)) ([]*eventstore.Revision, bool, error) {
	found, err := transport.ReadPage(ctx, pageBytes, paged(read), func(p page[*eventstore.Revision]) int64 { return revisionsSize(p.items) })
	return found.items, found.more, err
}

// readStates reads a page of past states in the room of the answer.
func readStates(ctx context.Context, snapshot *configstore.Snapshot, read func(*configstore.Snapshot) (configstore.ConfigPage, error)) (configstore.ConfigPage, error) {
	if !selects(ctx, valueField) {
		return read(snapshot.WithoutValues()) // which takes next to no room
	}
	page := func() (configstore.ConfigPage, error) { return read(snapshot) }
	return transport.ReadPage(ctx, pageBytes, page, func(p configstore.ConfigPage) int64 { return statesSize(p.Configs) })
}

func paged[T any](read func() ([]T, bool, error)) func() (page[T], error) {
	return func() (page[T], error) {
		items, more, err := read()
		return page[T]{items, more}, err
	}
}

// readState reads one past state in the room of the answer.
func readState(ctx context.Context, read func() (*projection.Config, error)) (*projection.Config, error) {
	return transport.ReadPage(ctx, revisionBytes, read, func(c *projection.Config) int64 {
		return stateSize(c)
	})
}
