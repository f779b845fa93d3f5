package processtest

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestServerIsReadyWhenItSaysSo(t *testing.T) {
	var asked atomic.Int64
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer fake.Close()
	address := strings.TrimPrefix(fake.URL, "http://")
	for _, line := range []string{
		`time=2026-11-28T10:00:00Z level=INFO msg=serving address=` + address + ` store=memory`,
		`{"time":"2026-11-28T10:00:00Z","level":"INFO","msg":"serving","address":"` + address + `","store":"memory"}`,
	} {
		asked.Store(0)
		s, err := Serve(t.Context(), exec.Command("sh", "-c", `echo "$0"; exec sleep 100`, line), filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		if s.Address != address || asked.Load() != 3 || s.Started <= 0 || s.URL("/health") != fake.URL+"/health" {
			t.Errorf("got %+v after %d questions", s, asked.Load())
		}
		s.Kill()
	}
}

func TestServerThatDoesNotStartSaysWhy(t *testing.T) {
	_, err := Serve(t.Context(), exec.Command("sh", "-c", `echo "no store for $0 $1"; exit 1`), filepath.Join(t.TempDir(), "log"))
	if err == nil || !strings.Contains(err.Error(), "no store for --listen 127.0.0.1:0") {
		t.Errorf("got %v, want its last words", err)
	}
}

func TestBuildReportsErrors(t *testing.T) {
	if err := Build(t.Context(), t.TempDir(), "configapi"); err == nil || !strings.Contains(err.Error(), "building configapi in") {
		t.Errorf("got %v, want an error", err)
	}
}
