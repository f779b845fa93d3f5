package eventstore_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"

	"pgregory.net/rapid"
)

func TestPosition(t *testing.T) {
	for text, want := range map[string]eventstore.Position{
		"1842-9f3a21c0":                {Seq: 1842, Prefix: [4]byte{0x9f, 0x3a, 0x21, 0xc0}},
		"0-00000000":                   {},
		"1-00000001":                   {Seq: 1, Prefix: [4]byte{0, 0, 0, 1}},
		"9223372036854775807-ffffffff": {Seq: math.MaxInt64, Prefix: [4]byte{0xff, 0xff, 0xff, 0xff}},
	} {
		if got := want.String(); got != text {
			t.Errorf("%+v is written as %q, want %q", want, got, text)
		}
		if got, err := eventstore.ParsePosition(text); err != nil || got != want {
			t.Errorf("ParsePosition(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestPositionOfHeadAndRevision(t *testing.T) {
	hash := eventstore.Hash{0x9f, 0x3a, 0x21, 0xc0, 0xff}
	head := eventstore.Head{Seq: 1842, Hash: hash, RecordedAt: time.Unix(1, 0)}
	revision := eventstore.Revision{Seq: 1842, Hash: hash}
	if head.Position().String() != "1842-9f3a21c0" || revision.Position() != head.Position() {
		t.Errorf("got %s and %s", head.Position(), revision.Position())
	}
	if empty := (eventstore.Head{}).Position().String(); empty != "0-00000000" {
		t.Errorf("the position of an empty history is %s", empty)
	}
}

func TestParsePositionRefuses(t *testing.T) {
	for _, text := range []string{
		"", "-", "0", "1842", "1842-", "-9f3a21c0", "9f3a21c0",
		"00-9f3a21c0", "01842-9f3a21c0", "+1-9f3a21c0", "-1-9f3a21c0", "--1-9f3a21c0", "-0-00000000",
		"1842-9F3A21C0", "1842-9f3a21C0", "1842-9f3a21cg", "1842-0x9f3a21",
		"1842-9f3a21c", "1842-9f3a21c00", "1842-9f3a21c0ff", "1842-9f3a21", "1842--9f3a21c", "1842-9f3a21c0-", "1842-9f3a-21c0",
		"9223372036854775808-9f3a21c0", "99999999999999999999-9f3a21c0",
		"1_842-9f3a21c0", "1e3-9f3a21c0", "1.0-9f3a21c0", "0x7-9f3a21c0", "١-9f3a21c0",
		" 1842-9f3a21c0", "1842-9f3a21c0 ", "1842 -9f3a21c0", "1842-9f3a21c0\n", "1842-9f3a21c0\x00", "1842–9f3a21c0",
	} {
		got, err := eventstore.ParsePosition(text)
		if err == nil || got != (eventstore.Position{}) {
			t.Errorf("ParsePosition(%q) = %+v, %v", text, got, err)
			continue
		}
		if !strings.Contains(err.Error(), "1842-9f3a21c0") {
			t.Errorf("ParsePosition(%q): %v, want it to show what a position looks like", text, err)
		}
	}
}

func TestEveryPositionReadsAsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Int64Min(0).Draw(t, "seq")
		hash := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash")
		want := eventstore.NewPosition(eventstore.Seq(seq), eventstore.Hash(hash))
		if got, err := eventstore.ParsePosition(want.String()); err != nil || got != want {
			t.Fatalf("%s: got %+v, %v, want %+v", want, got, err, want)
		}
	})
}

// FuzzParsePosition checks that ParsePosition accepts only what String writes.
func FuzzParsePosition(f *testing.F) {
	for _, seed := range []string{"1842-9f3a21c0", "0-00000000", "-1-9f3a21c0", "00-9f3a21c0", "1842-9F3A21C0", ""} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`\A(0|[1-9][0-9]{0,18})-[0-9a-f]{8}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := eventstore.ParsePosition(text)
		if err == nil && (p.String() != text || p.Seq < 0 || !form.MatchString(text)) {
			t.Errorf("ParsePosition(%q) = %+v, which is written %s", text, p, p)
		}
		if err != nil && (p != eventstore.Position{} || form.MatchString(text) && text < "9223372036854775807" && len(text) < 28) {
			t.Errorf("ParsePosition(%q) = %+v, %v", text, p, err)
		}
	})
}

func TestHeadsAreTheSameByPositionAndHash(t *testing.T) {
	head := eventstore.Head{Seq: 2, Hash: eventstore.Hash{1}, RecordedAt: time.Unix(1, 0)}
	for _, test := range []struct {
		other eventstore.Head
		want  bool
	}{
		{head, true},
		{eventstore.Head{Seq: 2, Hash: eventstore.Hash{1}, RecordedAt: time.Unix(1, 0).UTC()}, true},
		{eventstore.Head{Seq: 3, Hash: eventstore.Hash{1}, RecordedAt: head.RecordedAt}, false},
		{eventstore.Head{Seq: 2, Hash: eventstore.Hash{31: 1}, RecordedAt: head.RecordedAt}, false},
		{eventstore.Head{}, false},
	} {
		if got := head.Same(test.other); got != test.want {
			t.Errorf("Same(%+v) = %t", test.other, got)
		}
	}
}

func ExampleParsePosition() {
	position, err := eventstore.ParsePosition("1842-9f3a21c0")
	fmt.Println(position.Seq, position, err)

	_, err = eventstore.ParsePosition("1842")
	fmt.Println(err)
	// Output:
	// 1842 1842-9f3a21c0 <nil>
	// a position looks like 1842-9f3a21c0: hand back one that this server gave
}
