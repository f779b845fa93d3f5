package graph_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/slowtest"
)

// changesOf reads so many changes of an event stream, and returns the length of all of their
// values.
func changesOf(t *testing.T, body io.Reader, count int) (bytes int) {
	t.Helper()
	lines := bufio.NewReader(body)
	for seen := 0; seen < count; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Errorf("after %d changes: %v", seen, err)
			return bytes
		}
		data, is := strings.CutPrefix(line, "data: ")
		if !is {
			continue
		}
		var message struct {
			Data struct {
				ConfigChanges struct{ Changes []struct{ Value string } }
			}
		}
		if err := json.Unmarshal([]byte(data), &message); err != nil {
			t.Errorf("%.100s: %v", data, err)
			return bytes
		}
		for _, change := range message.Data.ConfigChanges.Changes {
			seen++
			bytes += len(change.Value)
		}
	}
	return bytes
}

// TestStreamsThatAreBehindShareABudget checks that many clients read a long history within a small
// budget, and that each gets all of it. The others go on while clients that read nothing hold as
// much as they may.
func TestStreamsThatAreBehindShareABudget(t *testing.T) {
	slowtest.Only(t)
	b := newBudgets()
	const limit = 12 * mib
	b.streams = budget.New(budget.Options{Bytes: limit, SmallBytes: mib, SmallSize: 64 << 10, Wait: budget.Forever, MaxWaiters: 1000})
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(0))
	const count, size = 12, 700_000
	for i := range count {
		a.MustSet(t, "a", strings.Repeat(string(rune('a'+i)), size))
	}
	listen := func() *http.Response {
		body := `{"query":"subscription{configChanges(after:\"0-00000000\"){changes{value} position}}"}`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for range 12 { // of which each could hold 4 MiB
		defer listen().Body.Close()
	}
	watched := make(chan struct{})
	most := make(chan int64)
	go func() {
		var highest int64
		for {
			select {
			case <-watched:
				most <- highest
				return
			case <-time.After(time.Millisecond):
				highest = max(highest, b.streams.Held())
			}
		}
	}()
	var readers sync.WaitGroup
	for range 6 {
		readers.Go(func() {
			w := listen()
			defer w.Body.Close()
			if got := changesOf(t, w.Body, count); got != count*size {
				t.Errorf("got %d bytes of values, want %d", got, count*size)
			}
		})
	}
	readers.Wait()
	close(watched)
	if highest := <-most; highest > limit || highest == 0 {
		t.Errorf("%d bytes were held, want at most %d", highest, limit)
	}
}

// TestMessageBeyondTheLimit checks that a message beyond the limit ends its subscription. It has
// many copies of one value.
func TestMessageBeyondTheLimit(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(0))
	a.MustSet(t, "a", strings.Repeat("\x01", mib))
	query := fmt.Sprintf(`{"query":"subscription{config(name:\"a\"){%s}}"}`, aliases(29, "value"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	read, err := io.ReadAll(w.Body)
	if got := string(read); err != nil || !strings.Contains(got, "LIMIT_EXCEEDED") || !strings.Contains(got, "event: complete") || len(got) > 500 {
		t.Errorf("got %.500s, %v", got, err)
	}
	a.close()
	b.wantEmpty(t)
}
