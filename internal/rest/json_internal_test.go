package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
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
		if n := len(`{"text":}`) + quotedLength(text); w.Body.Len() != n {
			t.Fatalf("%d bytes were written, want %d", w.Body.Len(), n)
		}
	})
}

// pieces is a ResponseWriter that takes its time for each write.
type pieces struct {
	header  http.Header
	pause   time.Duration
	written int
	largest int
	err     error
}

func (p *pieces) Header() http.Header { return p.header }
func (p *pieces) WriteHeader(int)     {}
func (p *pieces) Write(data []byte) (int, error) {
	time.Sleep(p.pause)
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
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return false
}

// TestSlowClientsAreCutOff gives clients answers of 9 and 11 MiB, at some bytes a second. It takes 64 KiB/s on average over a
// minute.
func TestSlowClientsAreCutOff(t *testing.T) {
	for _, row := range []struct {
		name  string
		pause time.Duration // for each piece of about 32 KiB
		err   error
		cut   bool
	}{
		{"fast", 0, nil, false},
		{"just fast enough", 480 * time.Millisecond, nil, false},
		{"too slow", 560 * time.Millisecond, nil, true},
		{"much too slow", 9 * time.Second, nil, true},
		{"gone", 0, errors.New("broken pipe"), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := configstoretest.New(t, configstore.Options{})
				for range 6 {
					store.MustSet(t, "a", strings.Repeat("v", 1<<20))
				}
				for _, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i"} {
					store.MustSet(t, name, strings.Repeat("v", 1<<20))
				}
				store.MustSet(t, "z", strings.Repeat("\x01", 100<<10))
				h := New(store.Store, Options{})
				for path, bytes := range map[string]int{"/config": 9 << 20, "/config/a/history": 11 << 20} {
					w := &pieces{header: http.Header{}, pause: row.pause, err: row.err}
					began := time.Now()
					cut := answerTo(h, w, path)
					if cut != row.cut || !cut && w.written < bytes {
						t.Errorf("%s: %d bytes, cut off: %t, want %t", path, w.written, cut, row.cut)
					}
					if took := time.Since(began); cut && took > paceWindow+row.pause {
						t.Errorf("%s: cut off after %v", path, took)
					}
					if w.largest > flushAt+6*textPiece+1<<10 {
						t.Errorf("%s: %d bytes were held", path, w.largest)
					}
				}
			})
		})
	}
}

// TestPaceForgets shows that a client may not be fast at first and then slow for good.
func TestPaceForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		w := &pieces{}
		for range 1000 {
			if !p.write(w, make([]byte, 1<<20)) {
				t.Fatal("a fast client was cut off")
			}
		}
		w.pause = time.Second
		for i := 0; p.write(w, make([]byte, 1<<10)); i++ {
			if i > 120 {
				t.Fatal("a slow client was not cut off")
			}
		}
	})
}
