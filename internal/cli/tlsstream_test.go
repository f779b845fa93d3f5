//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
)

// watcher is an event stream over TLS.
type watcher struct {
	*bufio.Scanner
	major int // of the version of HTTP
}

// mustWatch opens an event stream, which ends with the test.
func (s *secured) mustWatch(t testing.TB) *watcher {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.Address+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	answer, err := (&http.Client{Transport: s.client.Transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("got %s for an event stream", answer.Status)
	}
	return &watcher{bufio.NewScanner(answer.Body), answer.ProtoMajor}
}

// mustSee reads the stream up to a change of a name.
func (w *watcher) mustSee(t testing.TB, name string) {
	t.Helper()
	for w.Scan() {
		if strings.Contains(w.Text(), `"`+name+`"`) {
			return
		}
	}
	t.Fatalf("the stream ended before a change of %s: %v", name, w.Err())
}

func (s *secured) mustPut(t testing.TB, name string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://"+s.Address+"/config/"+name, strings.NewReader(`{"value":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("setting %s: %s", name, answer.Status)
	}
}

// TestManyStreamsShareAConnection opens event streams over one connection of HTTP/2, each of which
// gets each change.
func TestManyStreamsShareAConnection(t *testing.T) {
	s := mustServeWithNewAuthority(t)
	streams := make([]*watcher, 50)
	for i := range streams {
		if streams[i] = s.mustWatch(t); streams[i].major != 2 {
			t.Fatalf("got HTTP/%d, want HTTP/2", streams[i].major)
		}
	}
	for _, name := range []string{"first", "second"} {
		s.mustPut(t, name)
		for _, stream := range streams {
			stream.mustSee(t, name)
		}
	}
	if _, metrics, err := s.get(t.Context(), s.client, "/metrics"); err != nil || !strings.Contains(metrics, "configapi_connections 1\n") {
		t.Errorf("want one connection: %v\n%s", err, metrics)
	}
	if code, _ := s.terminate(); code != 0 {
		t.Errorf("got exit code %d with open streams: %s", code, s.Log())
	}
}
