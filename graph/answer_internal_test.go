package graph

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport"
	"configapi/internal/eventstore/eventstoretest"
)

func TestQuotedSize(t *testing.T) {
	texts := []string{"", "a", strings.Repeat("plain text ", 50), "é\u2028\x7f\U0001F600", strings.Repeat("é", 40), "\xff\xfe\x80 not UTF-8"}
	for c := range byte(0x80) {
		texts = append(texts, string(c), strings.Repeat("x", int(c)%9)+string(c)+"tail of eight and more", strings.Repeat(string(c), 17))
	}
	for _, text := range texts {
		checkQuotedSize(t, text)
	}
}

func FuzzQuotedSize(f *testing.F) {
	f.Add("eight by\"tes\\and\nmore\x00")
	f.Fuzz(checkQuotedSize)
}

func checkQuotedSize(t *testing.T, text string) {
	var written bytes.Buffer
	graphql.MarshalString(text).MarshalGQL(&written)
	if got, want := quotedSize(text), int64(written.Len()); got != want {
		t.Errorf("%.40q: got %d, want %d", text, got, want)
	}
}

func TestWritingALargeAnswerLetsOthersRun(t *testing.T) {
	const values = 16
	value := graphql.MarshalString(strings.Repeat("v", yieldBytes))
	var written bytes.Buffer
	written.Grow(2 * values * yieldBytes)
	answer := sized{graphql.WriterFunc(func(w io.Writer) {
		for range values {
			value.MarshalGQL(w)
		}
	}), &transport.Answer{}}
	eventstoretest.MustYield(t, values/4, func() { answer.MarshalGQL(&written) })
	if got, want := written.Len(), values*(yieldBytes+2); got != want {
		t.Errorf("wrote %d bytes, want %d", got, want)
	}
}
