package encode_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/encode"
)

func TestTextSize(t *testing.T) {
	texts := []string{"", "a", strings.Repeat("plain text ", 50), "é\u2028\x7f\U0001F600", strings.Repeat("é", 40), "\xff\xfe\x80 not UTF-8"}
	for c := range byte(0x80) {
		texts = append(texts, string(c), strings.Repeat("x", int(c)%9)+string(c)+"tail of eight and more", strings.Repeat(string(c), 17))
	}
	for _, text := range texts {
		checkTextSize(t, text)
	}
}

func FuzzTextSize(f *testing.F) {
	f.Add("eight by\"tes\\and\nmore\x00")
	f.Fuzz(checkTextSize)
}

func checkTextSize(t *testing.T, text string) {
	var written bytes.Buffer
	graphql.MarshalString(text).MarshalGQL(&written)
	if got, want := encode.TextSize(text), int64(written.Len()); got != want {
		t.Errorf("%.40q: got %d, want %d", text, got, want)
	}
}
