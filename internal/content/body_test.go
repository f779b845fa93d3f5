package content_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"configapi/internal/content"
	"configapi/internal/fault"
)

func TestCheck(t *testing.T) {
	json := content.Accepted{Types: []string{content.JSON}, Want: "JSON"}
	both := content.Accepted{Types: []string{content.JSON, "application/octet-stream"}, Untyped: true, Want: "JSON, or the value"}
	for _, row := range []struct {
		types, codings []string
		json, both     bool
	}{
		{types: []string{"application/json"}, json: true, both: true},
		{types: []string{"Application/JSON; charset=UTF-8"}, json: true, both: true},
		{types: []string{"application/json"}, codings: []string{"Identity"}, json: true, both: true},
		{types: []string{"application/octet-stream"}, both: true},
		{both: true},
		{types: []string{""}},
		{types: []string{"text/plain"}},
		{types: []string{"application/jsonx"}},
		{types: []string{"application/json;;="}},
		{types: []string{"application/json; charset=utf-16"}},
		{types: []string{"application/octet-stream; charset=utf-16"}},
		{types: []string{"application/json", "application/json"}},
		{types: []string{"application/json"}, codings: []string{"gzip"}},
		{types: []string{"application/json"}, codings: []string{"identity", "gzip"}},
	} {
		h := http.Header{}
		if row.types != nil {
			h["Content-Type"] = row.types
		}
		if row.codings != nil {
			h["Content-Encoding"] = row.codings
		}
		for accepted, want := range map[*content.Accepted]bool{&json: row.json, &both: row.both} {
			err := accepted.Check(h)
			if (err == nil) != want {
				t.Errorf("%q by %q: got %v, want it accepted: %t", h, accepted.Types, err, want)
			}
			if err != nil && (err.Kind != fault.UnsupportedMedia || err.Unread()) {
				t.Errorf("%q: got kind %d, unread: %t", h, err.Kind, err.Unread())
			}
			if coded := strings.Contains(fmt.Sprint(err), "without a content encoding"); err != nil && coded == strings.HasSuffix(err.Detail, accepted.Want) {
				t.Errorf("%q: got %q, which does not say what to do", h, err.Detail)
			}
		}
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"application/octet-stream":                 true,
		"Application/Octet-Stream; charset=utf-16": true,
		"application/octet-streams":                false,
		"application/json":                         false,
		"":                                         false,
	} {
		if got := content.Is(http.Header{"Content-Type": {text}}, "application/octet-stream"); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
	if !content.Is(http.Header{"Content-Type": {content.JSON}}, content.JSON) {
		t.Error("JSON is not JSON")
	}
}

// TestRead reads bodies whose length is declared and bodies whose length is not, at once and byte
// by byte.
func TestRead(t *testing.T) {
	const limit = 100_000
	for _, n := range []int{0, 1, 1023, 1024, 1025, 64 << 10, 64<<10 + 1, limit - 1, limit, limit + 1, 3 * limit} {
		text := strings.Repeat("x", n)
		for name, slowly := range map[string]func(io.Reader) io.Reader{
			"at once":            func(r io.Reader) io.Reader { return r },
			"one byte at a time": iotest.OneByteReader,
		} {
			for _, declared := range []bool{true, false} {
				r := httptest.NewRequest("PUT", "/", slowly(strings.NewReader(text)))
				r.ContentLength = -1
				if declared {
					r.ContentLength = int64(n)
				}
				got, err := content.Read([]byte("before"), httptest.NewRecorder(), r, limit)
				if n > limit {
					if err == nil || err.Kind != fault.TooLarge || !err.Unread() || !strings.Contains(err.Detail, "100000 bytes") {
						t.Errorf("%d bytes, %s, declared: %t: got %v", n, name, declared, err)
					}
					continue
				}
				if err != nil || string(got) != "before"+text {
					t.Errorf("%d bytes, %s, declared: %t: got %d bytes, %v", n, name, declared, len(got), err)
				}
			}
		}
	}
}

// TestReadTrustsNoLength shows that a declared length takes little memory until the bytes come.
func TestReadTrustsNoLength(t *testing.T) {
	for came, most := range map[int]int{1: 64 << 10, 64 << 10: 256 << 10, 300_000: 1 << 20} {
		r := httptest.NewRequest("PUT", "/", bytes.NewReader(make([]byte, came)))
		r.ContentLength = 1 << 30
		got, err := content.Read(nil, httptest.NewRecorder(), r, 1<<30)
		if err == nil || len(got) != came || cap(got) > most+most/4 {
			t.Errorf("after %d bytes: got %d in memory for %d, %v", came, len(got), cap(got), err)
		}
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	for _, row := range []struct {
		err    error
		kind   fault.Kind
		detail string
	}{
		{io.ErrUnexpectedEOF, fault.InvalidInput, "it broke off"},
		{fmt.Errorf("reading: %w", os.ErrDeadlineExceeded), fault.BodyTimeout, "it did not come in time"},
		{&http.MaxBytesError{Limit: 7}, fault.TooLarge, "larger than"},
		{errors.New("malformed chunked encoding"), fault.InvalidInput, "its chunks are malformed"},
	} {
		for _, declared := range []int64{-1, 10} {
			r := httptest.NewRequest("PUT", "/", io.MultiReader(bytes.NewReader([]byte("some")), iotest.ErrReader(row.err)))
			r.ContentLength = declared
			_, err := content.Read(nil, httptest.NewRecorder(), r, 1000)
			if err == nil || err.Kind != row.kind || !err.Unread() || !strings.Contains(err.Detail, row.detail) {
				t.Errorf("%v, declared: %d: got %+v", row.err, declared, err)
			}
		}
	}
	r := httptest.NewRequest("PUT", "/", strings.NewReader("short"))
	r.ContentLength = 10
	if _, err := content.Read(nil, httptest.NewRecorder(), r, 1000); err == nil || err.Kind != fault.InvalidInput {
		t.Errorf("a body that is shorter than declared: got %v", err)
	}
}

// wrapper is a writer around that of the server.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestTooLargeClosesTheConnection shows that the server closes the connection on which a body is
// not read to its end, also when its writer is wrapped.
func TestTooLargeClosesTheConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := content.Read(nil, wrapper{w}, r, 1000); err == nil || err.Kind != fault.TooLarge {
			t.Errorf("got %v", err)
		}
	}))
	defer server.Close()
	response, err := server.Client().Post(server.URL, content.JSON, io.MultiReader(strings.NewReader(strings.Repeat("x", 2000))))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if !response.Close {
		t.Error("the connection stays open")
	}
}
