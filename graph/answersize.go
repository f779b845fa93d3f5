package graph

import (
	"bytes"
	"context"
	"io"
	"runtime"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/encode"
	"configapi/graph/transport/bounds"
)

// countField is the middleware of all fields. It counts the bytes of the answer while its fields
// are resolved, so that an answer that is too large stops before it is written: then no further
// field is resolved. A result whose fields are all in memory is encoded as a whole.
func countField(ctx context.Context, next graphql.Resolver) (any, error) {
	answer := bounds.AnswerOf(ctx)
	if err := answer.Proceed(); err != nil {
		return nil, err
	}
	result, err := next(ctx)
	if err != nil {
		return nil, err
	}
	field := graphql.GetFieldContext(ctx)
	name := encode.NameSize(field.Field.Alias)
	if answer.Sure() && isPast(field) {
		return result, answer.CountWithin(name + encode.Size(result))
	}
	if encoded := encode.Result(result, field.Field.Selections); encoded != nil {
		return encoded, answer.Count(ctx, name+encoded.Size())
	}
	return result, answer.Count(ctx, name+encode.Size(result))
}

// isPast reports whether a field is of a config's past. Such a field may be null, so it can fail
// alone in the answer to a mutation.
func isPast(field *graphql.FieldContext) bool {
	for ; field != nil; field = field.Parent {
		if f := field.Field.Field; field.Object == "Config" && f != nil && (f.Name == "history" || f.Name == "asOf") {
			return true
		}
	}
	return false
}

// minSized is the size of an answer, in bytes, from which on its buffer is sized at once.
const minSized = 8 << 10

// sizeBuffer is the middleware of root fields. It gives the buffer of a large answer its whole size
// before the answer is written: otherwise the buffer doubles again and again. BenchmarkLargePage
// pays for it.
func sizeBuffer(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	resolved := next(ctx)
	answer := bounds.AnswerOf(ctx)
	if answer.Size() < minSized || resolved == graphql.Null || resolved == graphql.RequiredNull {
		return resolved
	}
	return sizedField{resolved, answer}
}

// sizedField is a root field of a large answer.
type sizedField struct {
	graphql.Marshaler
	answer *bounds.Answer
}

func (f sizedField) MarshalGQL(w io.Writer) {
	buffer, ok := w.(*bytes.Buffer)
	if !ok || f.answer.Failed() {
		f.Marshaler.MarshalGQL(w)
		return
	}
	buffer.Grow(max(0, int(f.answer.Size())-buffer.Len()))
	f.Marshaler.MarshalGQL(&yieldingBuffer{buffer: buffer})
}

// yieldingBuffer is a buffer that yields the processor now and then while it is written. Writing a
// large answer takes tens of milliseconds, and the scheduler would let other goroutines wait for 10
// of them at a time.
type yieldingBuffer struct {
	buffer  *bytes.Buffer
	written int // bytes since the last yield
}

// yieldBytes is how many bytes are written between two yields: some tens of microseconds.
const yieldBytes = 64 << 10

func (y *yieldingBuffer) Write(p []byte) (int, error) {
	y.count(len(p))
	return y.buffer.Write(p)
}

func (y *yieldingBuffer) WriteString(s string) (int, error) {
	y.count(len(s))
	return y.buffer.WriteString(s)
}

func (y *yieldingBuffer) count(bytes int) {
	if y.written += bytes; y.written >= yieldBytes {
		y.written = 0
		runtime.Gosched()
	}
}
