package graph

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/internal/eventstore/eventstoretest"
)

func TestWritingALargeAnswerLetsOthersRun(t *testing.T) {
	const values = 16
	value := graphql.MarshalString(strings.Repeat("v", yieldBytes))
	var written bytes.Buffer
	written.Grow(2 * values * yieldBytes)
	answer := sizedField{graphql.WriterFunc(func(w io.Writer) {
		for range values {
			value.MarshalGQL(w)
		}
	}), &bounds.Answer{}}
	eventstoretest.MustYield(t, values/4, func() { answer.MarshalGQL(&written) })
	if got, want := written.Len(), values*(yieldBytes+2); got != want {
		t.Errorf("wrote %d bytes, want %d", got, want)
	}
}
