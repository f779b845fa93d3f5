package pages_test

import (
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

var kinds = []pages.Kind{
	pages.Configs, pages.Snapshot, pages.History, pages.List, pages.Changed, pages.Deleted, pages.Children, pages.Recent, pages.Diff,
	pages.Tokens, pages.RecentList, pages.DeletedList, pages.ChildrenList, pages.DiffList, pages.TokenList,
}

// TestContract fixes the bytes of cursors: clients keep them.
func TestContract(t *testing.T) {
	at := eventstore.Position{Seq: 1842, Prefix: [4]byte{0x9f, 0x3a, 0x21, 0xc0}}
	for want, cursor := range map[string]pages.Cursor{
		"MWMxODQyLTlmM2EyMWMwIHBheW1lbnRzL3RpbWVvdXQ":                              {Kind: pages.Configs, At: at, Key: "payments/timeout"},
		"MXMxODQyLTlmM2EyMWMwIHBheW1lbnRzL3RpbWVvdXQ":                              {Kind: pages.Snapshot, At: at, Key: "payments/timeout"},
		"MWgxODQyLTlmM2EyMWMwIDcgcGF5bWVudHMvdGltZW91dA":                           {Kind: pages.History, At: at, Key: "7 payments/timeout"},
		"MWwxODQyLTlmM2EyMWMwIHBheW1lbnRzIHBheW1lbnRzL3RpbWVvdXQ":                  {Kind: pages.List, At: at, Key: "payments payments/timeout"},
		"MW8xODQyLTlmM2EyMWMwIEFBQUFBQUFBIDE3":                                     {Kind: pages.Changed, At: at, Key: "AAAAAAAA 17"},
		"MXgxODQyLTlmM2EyMWMwIEFBQUFBQUFBIDE3":                                     {Kind: pages.Deleted, At: at, Key: "AAAAAAAA 17"},
		"MXQxODQyLTlmM2EyMWMwIEFBQUFBQUFBIHBheW1lbnRz":                             {Kind: pages.Children, At: at, Key: "AAAAAAAA payments"},
		"MXIxODQyLTlmM2EyMWMwIEFBQUFBQUFBIDE3":                                     {Kind: pages.Recent, At: at, Key: "AAAAAAAA 17"},
		"MWQxODQyLTlmM2EyMWMwIEFBQUFBQUFBIDE3LTAwMDAwMDAwIHBheW1lbnRzL3RpbWVvdXQ":  {Kind: pages.Diff, At: at, Key: "AAAAAAAA 17-00000000 payments/timeout"},
		"MVIxODQyLTlmM2EyMWMwIDMwNmJjMzI2IDE3":                                     {Kind: pages.RecentList, At: at, Key: "306bc326 17"},
		"MUQxODQyLTlmM2EyMWMwIDMwNmJjMzI2IDE3":                                     {Kind: pages.DeletedList, At: at, Key: "306bc326 17"},
		"MUMxODQyLTlmM2EyMWMwIHBheW1lbnRzIHRpbWVvdXQ":                              {Kind: pages.ChildrenList, At: at, Key: "payments timeout"},
		"MUYxODQyLTlmM2EyMWMwIDE3LTAwMDAwMDAwIHBheW1lbnRzICBwYXltZW50cy90aW1lb3V0": {Kind: pages.DiffList, At: at, Key: "17-00000000 payments  payments/timeout"},
	} {
		if got := cursor.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, kind := range kinds {
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
		for _, kind := range kinds {
			if cursor, ok := pages.Parse(kind, text); ok && (cursor.String() != text || cursor.Kind != kind) {
				t.Errorf("%q was read as %+v", text, cursor)
			}
		}
	})
}
