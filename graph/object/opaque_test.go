package object_test

import (
	"errors"
	"strings"
	"testing"

	"configapi/graph/object"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

var at = eventstore.Position{Seq: 1842, Prefix: [4]byte{0x9f, 0x3a, 0x21, 0xc0}}

// TestContract fixes the bytes of ids and cursors: clients store them.
func TestContract(t *testing.T) {
	name := configstoretest.Name(t, "payments/timeout")
	list := object.List{Kind: pages.Recent, At: at, Arguments: "AAAAAAAA"}
	recent := object.NewRecentConnection(list, object.Page[*eventstore.Revision]{More: true, End: object.SeqKey(17)})
	for got, want := range map[string]string{
		*recent.PageInfo().EndCursor:                                      "MXIxODQyLTlmM2EyMWMwIEFBQUFBQUFBIDE3",
		object.ConfigID(name):                                             "YzpwYXltZW50cy90aW1lb3V0",
		object.RevisionID(at):                                             "cjoxODQyLTlmM2EyMWMw",
		object.HistoryCursor(at, name, 7).String():                        "MWgxODQyLTlmM2EyMWMwIDcgcGF5bWVudHMvdGltZW91dA",
		object.HistoryCursor(eventstore.Position{}, name, 1).String()[:8]: "MWgwLTAw",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestHistoryCursors(t *testing.T) {
	name, other := configstoretest.Name(t, "a"), configstoretest.Name(t, "b")
	for _, version := range []config.Version{1, 2, 1<<31 - 1} {
		cursor, err := object.ParseCursor(pages.History, object.HistoryCursor(at, name, version).String())
		if err != nil || cursor.At != at {
			t.Fatalf("got %+v, %v", cursor, err)
		}
		if before, err := object.VersionBefore(cursor, name); err != nil || before != version-1 {
			t.Errorf("got %d, %v, want %d", before, err, version-1)
		}
		if _, err := object.VersionBefore(cursor, other); !errors.Is(err, object.ErrForeignCursor) {
			t.Errorf("got %v for another name", err)
		}
	}
}

// FuzzParseID checks that only texts that this package writes are ids.
func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"", "YzpwYXltZW50cy90aW1lb3V0", "cjoxODQyLTlmM2EyMWMw", "YzpwYXltZW50cy90aW1lb3V0=", "ZDpBQUFB", "dDpjaQ", "dDphOmI", strings.Repeat("Y", 400), "!"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		named, err := object.ParseID(text)
		var again string
		switch {
		case named.Config != (config.Name{}):
			again = object.ConfigID(named.Config)
		case named.Token != (auth.TokenName{}):
			again = object.TokenID(named.Token)
		default:
			again = object.RevisionID(named.Revision)
		}
		if err != nil && err != object.ErrMalformedID || err == nil && again != text {
			t.Errorf("%q was read as %+v, %v", text, named, err)
		}
	})
}

// TestListCursors reads the cursor of a list with its own arguments, and with others.
func TestListCursors(t *testing.T) {
	const cursor = "MXIxODQyLTlmM2EyMWMwIEFBQUFBQUFBIDE3"
	position, key, err := object.ParseListCursor(pages.Recent, "AAAAAAAA", cursor)
	if err != nil || position != at || key != "17" {
		t.Errorf("got %v, %q, %v", position, key, err)
	}
	for _, arguments := range []string{"AAAAAAAB", "AAAAAAA", "", "AAAAAAAA 17"} {
		if _, _, err := object.ParseListCursor(pages.Recent, arguments, cursor); !errors.Is(err, object.ErrForeignCursor) {
			t.Errorf("arguments %q: got %v", arguments, err)
		}
	}
	for key, want := range map[string]eventstore.Seq{"1": 1, "17": 17, "0": 0, "18": 0, "017": 0, "-1": 0, "": 0, "99999999999999999999": 0} {
		if got, err := object.ParseSeqKey(key, 17); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %d, %v, want %d", key, got, err, want)
		}
	}
	for _, key := range []string{"", "a", "17-00000000", "17-00000000 ", "17 a", " a"} {
		if _, _, err := object.ParseDiffKey(key); !errors.Is(err, object.ErrForeignCursor) {
			t.Errorf("%q: got %v", key, err)
		}
	}
}
