package websockettest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// serverFrame is a frame as servers send it.
func serverFrame(first byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{first, byte(n)}, payload...)
	case n < 1<<16:
		return append([]byte{first, 126, byte(n >> 8), byte(n)}, payload...)
	default:
		return append([]byte{first, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	}
}

// taken are the messages that a reader makes of bytes that come in pieces of a size.
func taken(t *testing.T, data []byte, size int) []string {
	t.Helper()
	var r Parser
	var got []string
	for piece := range slices.Chunk(data, size) {
		err := r.Take(slices.Clone(piece), func(opcode byte, payload []byte) error {
			got = append(got, fmt.Sprintf("%x:%s", opcode, payload))
			return nil
		})
		if err != nil {
			t.Fatalf("pieces of %d: %v", size, err)
		}
	}
	if len(r.rest) > 0 || r.message != nil {
		t.Errorf("pieces of %d: %d bytes and a message of %d are left", size, len(r.rest), len(r.message))
	}
	return got
}

func TestMessagesComeWholeHoweverTheirBytesCome(t *testing.T) {
	long, longer := strings.Repeat("x", 300), strings.Repeat("y", 70_000)
	data := slices.Concat(
		serverFrame(0x81, "one"), serverFrame(0x81, ""), serverFrame(0x81, long), serverFrame(0x89, "ping"),
		serverFrame(0x01, "in "), serverFrame(0x00, "three "), serverFrame(0x8a, "between"), serverFrame(0x80, "frames"),
		serverFrame(0x81, longer), serverFrame(0x81, "last"),
	)
	want := []string{"1:one", "1:", "1:" + long, "9:ping", "a:between", "1:in three frames", "1:" + longer, "1:last"}
	for _, size := range []int{1, 2, 3, 7, 100, 4096, len(data)} {
		if got := taken(t, data, size); !slices.Equal(got, want) {
			t.Errorf("pieces of %d: got %.500q", size, got)
		}
	}
}

func TestFramesThatNoServerSendsAreRefused(t *testing.T) {
	for name, data := range map[string][]byte{
		"masked":                      {0x81, 0x80, 0, 0, 0, 0},
		"compressed":                  {0xc1, 0},
		"long ping":                   serverFrame(0x89, strings.Repeat("x", 126)),
		"ping in fragments":           serverFrame(0x09, ""),
		"16 bits that fit into 7":     {0x81, 126, 0, 2, '{', '}'},
		"64 bits that fit into 16":    {0x81, 127, 0, 0, 0, 0, 0, 0, 0, 126},
		"continuation of nothing":     serverFrame(0x80, "x"),
		"message within a message":    append(serverFrame(0x01, "x"), serverFrame(0x81, "y")...),
		"longer than anything":        {0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0},
		"longer than 63 bits can say": {0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		var r Parser
		if err := r.Take(data, func(byte, []byte) error { return nil }); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestFramesOfAClientAreMasked(t *testing.T) {
	for _, f := range []Frame{TextFrame("hi"), {First: Final | Pong, Payload: strings.Repeat("x", 200)}, {First: Text, Payload: strings.Repeat("y", 70_000)}} {
		raw := f.Append([]byte("before"))
		header := 2 + 4
		switch n := len(f.Payload); {
		case n >= 1<<16:
			header += 8
		case n > 125:
			header += 2
		}
		raw = raw[len("before"):]
		if len(raw) != header+len(f.Payload) || raw[0] != f.First || raw[1]&0x80 == 0 {
			t.Fatalf("got %d bytes that begin with %x for %d", len(raw), raw[:2], len(f.Payload))
		}
		for i, key := 0, raw[header-4:header]; i < len(f.Payload); i++ {
			if raw[header+i]^key[i%4] != f.Payload[i] || raw[header+i] == f.Payload[i] {
				t.Fatalf("byte %d is not masked: %x", i, raw[header+i])
			}
		}
	}
}

func TestFramesMayBreakTheRules(t *testing.T) {
	if got, want := string(Encode(Frame{First: Text, Payload: "hi", Bare: true})), "\x01\x02hi"; got != want {
		t.Errorf("without a mask: got %q, want %q", got, want)
	}
	got := string(Encode(Frame{First: Final | Text, Payload: "hi", Length: 1 << 63, Bare: true}))
	if want := "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00hi"; got != want {
		t.Errorf("with another length: got %q, want %q", got, want)
	}
}
