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
	encoded := encode.Result(result, field.Field.Selections)
	size := encode.NameSize(field.Field.Alias)
	switch {
	case answer.Sure() && mayFailAlone(field):
		return result, answer.CountWithin(size + encode.Size(result))
	case encoded == nil, answer.Sure() && answer.CountWithin(size+encoded.Size()) != nil:
		return result, answer.Count(ctx, size+encode.Size(result))
	case answer.Sure():
		return encoded, nil
	}
	return encoded, answer.Count(ctx, size+encoded.Size())
}

// mayFailAlone reports whether a field of the answer to a mutation may be null when it does not
// fit. The value of a revision may, and so may what is below a field that reads anything else than
// the outcome: the past of a config, and a config as it is now.
func mayFailAlone(field *graphql.FieldContext) bool {
	if name := field.Field.Name; field.Object == "ConfigRevision" && (name == "value" || name == "oldValue") {
		return true
	}
	for ; field != nil; field = field.Parent {
		if field.Field.Field != nil && readsMore(field.Object, field.Field.Name) {
			return true
		}
	}
	return false
}

// readsMore reports whether a field of an object shows anything else than the object.
func readsMore(object, field string) bool {
	return object == "Config" && (field == "history" || field == "asOf") || object == "ConfigRevision" && field == "config"
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
