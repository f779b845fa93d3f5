package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/slowtest"
	"configapi/internal/strictjson"
)

// TestLongTexts are written in pieces, none of which may cut a letter, and understood as a whole.
func TestLongTexts(t *testing.T) {
	unit := rapid.SampledFrom([]string{"v", "é", "€", "🏃", "\x01", `"`, `\`, "\u2028"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat("x", rapid.IntRange(0, 5).Draw(t, "offset"))
		for _, u := range rapid.SliceOfN(unit, 1, 3).Draw(t, "units") {
			text += strings.Repeat(u, rapid.IntRange(0, 3*textPiece).Draw(t, "times"))
		}
		w := httptest.NewRecorder()
		s := newJSON(w, httptest.NewRequest("GET", "/", nil))
		defer s.release()
		s.put(`{"text":`).text(text).put(`}`).finish()
		var got struct{ Text string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Text != text {
			t.Fatalf("got %d bytes of %d, %v", len(got.Text), len(text), err)
		}
		if n := len(`{"text":}`) + int(strictjson.QuotedLen(text)); w.Body.Len() != n {
			t.Fatalf("%d bytes were written, want %d", w.Body.Len(), n)
		}
	})
}

// TestLongAnswersLetOthersRun: a thousand lists that are asked for at once wait for each other, and
// not the short requests of others for all of them.
func TestLongAnswersLetOthersRun(t *testing.T) {
	const pieces = 16
	s := newJSON(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	defer s.release()
	text := strings.Repeat("x", pieces*flushAt)
	eventstoretest.MustYield(t, pieces/4, func() { s.text(text).finish() })
}

// pieces is a ResponseWriter that looks at the sizes of writes.
type pieces struct {
	header  http.Header
	written int
	largest int
	err     error
}

func (p *pieces) Header() http.Header { return p.header }
func (p *pieces) WriteHeader(int)     {}
func (p *pieces) Write(data []byte) (int, error) {
	p.written, p.largest = p.written+len(data), max(p.largest, len(data))
	return len(data), p.err
}

// answerTo answers a request, and reports whether the connection was cut.
func answerTo(h *Handler, w http.ResponseWriter, path string) (cut bool) {
	defer func() {
		if failure := recover(); failure != nil {
			if failure != http.ErrAbortHandler {
				panic(failure)
			}
			cut = true
		}
	}()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept", "application/json")
	h.ServeHTTP(w, r)
	return false
}

// TestLongAnswersHoldLittle looks at what is written at a time of answers of some MiB, with a value
// of 4 MiB in them.
func TestLongAnswersHoldLittle(t *testing.T) {
	slowtest.Only(t)
	store := configstoretest.New(t, configstore.Options{MaxValueBytes: 4 << 20})
	h := New(store.Store, Options{})
	for _, value := range []string{strings.Repeat("v", 4<<20), strings.Repeat("\x01", 1<<20), "short"} {
		r := httptest.NewRequest("PUT", "/config/a", strings.NewReader(value))
		r.Header.Set("Content-Type", rawType)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 200 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		for _, path := range []string{"/config", "/config?first=1", "/config/a", "/config/a/history", "/changes", "/changes/recent?first=1", "/diff?from=0-00000000", "/children"} {
			for _, gone := range []error{nil, errors.New("broken pipe")} {
				w := &pieces{header: http.Header{}, err: gone}
				if cut := answerTo(h, w, path); cut != (gone != nil) || !cut && w.written < len(value) {
					t.Errorf("%s: %d bytes, cut off: %t, want %v", path, w.written, cut, gone)
				}
				if w.largest > flushAt+6*textPiece+1<<10 {
					t.Errorf("%s: %d bytes were held", path, w.largest)
				}
			}
		}
	}
}
