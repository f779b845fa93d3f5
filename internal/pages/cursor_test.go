package pages_test

import (
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

// TestContract fixes the bytes of cursors: clients keep them.
func TestContract(t *testing.T) {
	at := eventstore.Position{Seq: 1842, Prefix: [4]byte{0x9f, 0x3a, 0x21, 0xc0}}
	for want, cursor := range map[string]pages.Cursor{
		"MWMxODQyLTlmM2EyMWMwIHBheW1lbnRzL3RpbWVvdXQ":             {Kind: pages.Configs, At: at, Key: "payments/timeout"},
		"MXMxODQyLTlmM2EyMWMwIHBheW1lbnRzL3RpbWVvdXQ":             {Kind: pages.Snapshot, At: at, Key: "payments/timeout"},
		"MWgxODQyLTlmM2EyMWMwIDcgcGF5bWVudHMvdGltZW91dA":          {Kind: pages.History, At: at, Key: "7 payments/timeout"},
		"MWwxODQyLTlmM2EyMWMwIHBheW1lbnRzIHBheW1lbnRzL3RpbWVvdXQ": {Kind: pages.List, At: at, Key: "payments payments/timeout"},
	} {
		if got := cursor.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, kind := range []pages.Kind{pages.Configs, pages.Snapshot, pages.History, pages.List} {
			got, ok := pages.Parse(kind, want)
			if ok != (kind == cursor.Kind) || ok && got != cursor {
				t.Errorf("%s as kind %c: got %+v, %t", want, kind, got, ok)
			}
		}
	}
}

// FuzzParse shows that only texts that this package writes are cursors.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "MWMxODQyLTlmM2EyMWMwIHBheW1lbnRzL3RpbWVvdXQ", "MWgxODQyLTlmM2EyMWMwIDcgcGF5bWVudHMvdGltZW91dA", "MWM", "!"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []pages.Kind{pages.Configs, pages.Snapshot, pages.History, pages.List} {
			if cursor, ok := pages.Parse(kind, text); ok && (cursor.String() != text || cursor.Kind != kind) {
				t.Errorf("%q was read as %+v", text, cursor)
			}
		}
	})
}
