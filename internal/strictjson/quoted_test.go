package strictjson_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/go-json-experiment/json/jsontext"

	"configapi/internal/strictjson"
)

func TestQuotedLen(t *testing.T) {
	texts := []string{"", "a", strings.Repeat("plain text ", 50), "é\u2028\x7f\U0001F600", strings.Repeat("é", 40), "\xff\xfe\x80 not UTF-8"}
	for c := range byte(0x80) {
		texts = append(texts, string(c), strings.Repeat("x", int(c)%9)+string(c)+"tail of eight and more", strings.Repeat(string(c), 17))
	}
	for _, text := range texts {
		checkQuotedLen(t, text)
	}
}

func FuzzQuotedLen(f *testing.F) {
	f.Add("eight by\"tes\\and\nmore\x00")
	f.Fuzz(checkQuotedLen)
}

// checkQuotedLen compares with the writers of the edges: gqlgen's of GraphQL, jsontext of REST,
// which has a short escape for two characters more.
func checkQuotedLen(t *testing.T, text string) {
	got := strictjson.QuotedLen(text)
	var written bytes.Buffer
	graphql.MarshalString(text).MarshalGQL(&written)
	if want := int64(written.Len()); got != want {
		t.Errorf("%.40q: got %d, want %d", text, got, want)
	}
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil { // not UTF-8
		return
	}
	shorter := int64(strings.Count(text, "\b")+strings.Count(text, "\f")) * int64(len(`\u0008`)-len(`\b`))
	if want := int64(len(quoted)) + shorter; got != want {
		t.Errorf("%.40q: got %d, want %d", text, got, want)
	}
}

func BenchmarkQuotedLen(b *testing.B) {
	text := strings.Repeat("plain text ", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		strictjson.QuotedLen(text)
	}
}
