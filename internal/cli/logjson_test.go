package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// texts are texts that clients may send: each byte, each control character, and known problems of
// editors, terminals and parsers.
func texts() []string {
	var all []string
	for b := range 256 {
		all = append(all, "a"+string([]byte{byte(b)})+"z")
	}
	for r := rune(0); r < 0x100; r++ {
		all = append(all, string(r))
	}
	return append(all, "", "\r\n", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u009b31m", "\u2028", "\u2029", "\u202e", "\ufeff",
		"\U000e0041", "\U0001f600", "\ufffd", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "half \xe2\x82", `"},{"msg":"forged"}`, `\`, `\u`,
		"{{", "München", "日本", strings.Repeat("x", 1<<20), strings.Repeat("\x00", 1<<16))
}

// TestEveryLineParses logs each text as message, key, value, group, error and stack.
func TestEveryLineParses(t *testing.T) {
	var out writes
	log, flush, err := newLog(Env{Stderr: &out}, "json")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts() {
		want := strings.ToValidUTF8(text, "\ufffd")
		begin := out.count()
		log.Info(text)
		log.Info("m", "value", text)
		log.Info("m", "value", errors.New(text))
		log.Info("m", "value", any(&text))
		log.Info("m", "value", []string{text})
		log.Info("m", "key"+text, "v")
		log.Info("m", slog.Group("g", "value", text))
		log.With("value", text).Info("m", "other", 1)
		log.WithGroup("g"+text).Info("m", "value", text)
		flush()
		lines := strings.SplitAfter(strings.Join(out.all[begin:], ""), "\n")
		if len(lines) != 10 || lines[9] != "" {
			t.Fatalf("%.40q: got %d lines, want 9", text, len(lines)-1)
		}
		for i, line := range lines[:9] {
			var parsed map[string]any
			if err := json.Unmarshal([]byte(line), &parsed); err != nil {
				t.Fatalf("%.40q: line %d is no JSON: %v: %.200q", text, i, err, line)
			}
			checkPrintable(t, line)
			got := parsed["value"]
			switch i {
			case 0:
				got = parsed["msg"]
			case 4:
				got = got.([]any)[0]
			case 5:
				got = want // compared below
				if !hasKey(parsed, "key"+want) && utf8.ValidString(text) {
					t.Errorf("%.40q: got %.200q, want it as a key", text, line)
				}
			case 6:
				got = parsed["g"].(map[string]any)["value"]
			case 8:
				got = want
			}
			// slog writes one U+FFFD per invalid byte, ToValidUTF8 one per run of them.
			if got != want && utf8.ValidString(text) {
				t.Errorf("%.40q: line %d holds %.40q", text, i, got)
			}
		}
	}
}

func hasKey(m map[string]any, key string) bool { _, is := m[key]; return is }

// checkPrintable fails the test unless the line is valid UTF-8 that no terminal interprets.
func checkPrintable(t *testing.T, line string) {
	t.Helper()
	if !utf8.ValidString(line) {
		t.Errorf("%.200q is no UTF-8", line)
	}
	for _, r := range strings.TrimSuffix(line, "\n") {
		if !unicode.IsPrint(r) {
			t.Errorf("%.200q has %q in it", line, r)
			return
		}
	}
}

func TestTextLinesArePrintable(t *testing.T) {
	var out writes
	log, flush, err := newLog(Env{Stderr: &out}, "text")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts() {
		begin := out.count()
		log.Info(text, "value", text, "error", errors.New(text), "key"+text, "v", slog.Group("g"+text, "value", text))
		log.With("value", text).WithGroup("g"+text).Info("m", "other", []string{text})
		flush()
		written := strings.Join(out.all[begin:], "")
		if strings.Count(written, "\n") != 2 {
			t.Fatalf("%.40q: got %d lines, want 2", text, strings.Count(written, "\n"))
		}
		for line := range strings.Lines(written) {
			checkPrintable(t, line)
		}
	}
}

// TestPlainAndOtherLinesLookAlike checks that lines of both handlers have the same form.
func TestPlainAndOtherLinesLookAlike(t *testing.T) {
	write := func(reason string) map[string]any {
		var out writes
		log, flush, err := newLog(Env{Stderr: &out}, "json")
		if err != nil {
			t.Fatal(err)
		}
		log.With("a", 1).Warn("config changed", "reason", reason, "none", nil, "took", time.Second, "count", uint64(7), "is", true)
		flush()
		var parsed map[string]any
		if err := json.Unmarshal([]byte(out.all[0]), &parsed); err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse(time.RFC3339Nano, parsed["time"].(string)); err != nil {
			t.Errorf("the time is not RFC 3339: %v", parsed["time"])
		}
		delete(parsed, "time")
		delete(parsed, "reason")
		return parsed
	}
	plain, other := write("planned"), write("geplänt \x1b")
	if fmt.Sprint(plain) != fmt.Sprint(other) || plain["level"] != "WARN" || plain["took"] != 1e9 {
		t.Errorf("got %v and %v", plain, other)
	}
}

func BenchmarkLog(b *testing.B) {
	for name, reason := range map[string]string{"plain": "planned change of the time-out", "other": "geplante Änderung"} {
		b.Run(name, func(b *testing.B) {
			log, flush, err := newLog(Env{Stderr: io.Discard}, "json")
			if err != nil {
				b.Fatal(err)
			}
			defer flush()
			for b.Loop() {
				log.LogAttrs(b.Context(), slog.LevelInfo, "config changed", slog.String("name", "payments/timeout"),
					slog.Int("version", 7), slog.String("position", "1842-9f3a21c0"), slog.Any("actor", nil), slog.String("reason", reason))
			}
		})
	}
}
