package config_test

import (
	"errors"
	"strings"
	"testing"

	"configapi/internal/config"
)

const (
	textNUL  = "holds a NUL character (U+0000)"
	textUTF8 = "is not valid UTF-8"
)

// texts must get the same answer as values and as reasons.
var texts = []struct {
	text string
	rule string // the broken rule; "" for a valid text
}{
	{"", ""},
	{" ", ""},
	{"30s", ""},
	{"a\nb\tc\r\x01\x1f\x7f", ""},
	{`{"json": "\u0000"}`, ""},
	{"\u2028\u2029\ufeff\ufffd\U0010ffff😀", ""},
	{"\x00", textNUL},
	{"a\x00", textNUL},
	{"\x00\xff", textNUL},
	{"\xff", textUTF8},
	{"a\x80", textUTF8},
	{"\xc0\xaf", textUTF8},         // a slash in two bytes
	{"\xc0\x80", textUTF8},         // NUL in two bytes
	{"\xed\xa0\x80", textUTF8},     // a surrogate
	{"\xf4\x90\x80\x80", textUTF8}, // above U+10FFFF
	{"\xe2\x82", textUTF8},         // cut off
}

func TestParseValue(t *testing.T) {
	for _, test := range texts {
		got, err := config.ParseValue(test.text, config.DefaultMaxValueBytes)
		switch {
		case test.rule != "":
			mustBreakRule(t, err, "value", test.rule)
		case err != nil || got.String() != test.text:
			t.Errorf("ParseValue(%q) = %q, %v", test.text, got, err)
		}
	}
}

func TestParseValueLimit(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		rule  string
	}{
		{"", 0, ""},
		{"a", 0, "has 1 bytes; at most 0 are allowed"},
		{"123", 3, ""},
		{"1234", 3, "has 4 bytes; at most 3 are allowed"},
		{"éé", 4, ""},
		{"éé", 3, "has 4 bytes; at most 3 are allowed"},
		// The size is checked first, so a huge text is not read.
		{"\x00\xff", 1, "has 2 bytes; at most 1 are allowed"},
		{strings.Repeat("v", 1<<20), config.DefaultMaxValueBytes, ""},
		{strings.Repeat("v", 1<<20+1), config.DefaultMaxValueBytes, "has 1048577 bytes; at most 1048576 are allowed"},
	} {
		_, err := config.ParseValue(test.text, test.limit)
		if test.rule == "" && err == nil {
			continue
		}
		mustBreakRule(t, err, "value", test.rule)
		if invalid := new(config.InvalidError); !errors.As(err, &invalid) || !invalid.TooLarge {
			t.Errorf("%d bytes, limit %d: TooLarge is not set", len(test.text), test.limit)
		}
	}
}

func TestOnlyTheSizeOfAValueIsTooLarge(t *testing.T) {
	_, ofName := config.ParseName(strings.Repeat("n", 256))
	_, ofReason := config.ParseReason(strings.Repeat("r", 1025))
	_, ofText := config.ParseValue("\x00", 1)
	for _, err := range []error{ofName, ofReason, ofText} {
		if invalid := new(config.InvalidError); !errors.As(err, &invalid) || invalid.TooLarge {
			t.Errorf("got %#v, want an InvalidError without TooLarge", err)
		}
	}
}

func TestParseReason(t *testing.T) {
	for _, test := range append(texts, []struct{ text, rule string }{
		{strings.Repeat("r", 1024), ""},
		{strings.Repeat("r", 1025), "has 1025 bytes; at most 1024 are allowed"},
		{strings.Repeat("é", 512), ""},
		{strings.Repeat("é", 512) + "r", "has 1025 bytes; at most 1024 are allowed"},
	}...) {
		got, err := config.ParseReason(test.text)
		switch {
		case test.rule != "":
			mustBreakRule(t, err, "reason", test.rule)
		case err != nil || got.String() != test.text:
			t.Errorf("ParseReason(%q) = %q, %v", test.text, got, err)
		}
	}
	if none, _ := config.ParseReason(""); none != (config.Reason{}) {
		t.Error("an empty reason is not the zero Reason")
	}
}
