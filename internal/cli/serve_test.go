package cli_test

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"configapi/internal/postgrestest"
)

// eachStore runs a test on every store that keeps its history.
func eachStore(t *testing.T, test func(t *testing.T, store string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "configapi.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, postgrestest.NewDatabase(t))
	})
}

// changes is the data of the subscription that these tests open.
type changes struct {
	ConfigChanges struct {
		Changes  []struct{ Name, Value string }
		Position string
	}
}

const watchAll = `subscription{configChanges{changes{name value} position}}`

func TestAChangeArrivesLiveAndSurvivesARestart(t *testing.T) {
	eachStore(t, func(t *testing.T, store string) {
		server := MustServe(t, store)
		watch := server.MustSubscribe(t, watchAll)
		var got changes
		watch.MustReceive(t, "next", &got)
		position := server.MustPut(t, "payments%2Ftimeout", "30s")
		watch.MustReceive(t, "next", &got)
		if c := got.ConfigChanges; c.Position != position || len(c.Changes) != 1 || c.Changes[0].Value != "30s" {
			t.Errorf("got %+v live, want 30s at %s", c, position)
		}

		server.Kill()
		server = MustServe(t, store)
		if got := server.MustGet(t, "/config/payments%2Ftimeout"); got != "30s" {
			t.Errorf("got %q after a restart, want 30s", got)
		}
	})
}

func TestTerminationFinishesWhatWasBegun(t *testing.T) {
	eachStore(t, func(t *testing.T, store string) {
		server := MustServe(t, store)
		watch := server.MustSubscribe(t, watchAll)
		watch.MustReceive(t, "next", nil)

		var writers sync.WaitGroup
		var mu sync.Mutex
		acknowledged := 0 // guarded by mu
		begun := make(chan struct{}, 1024)
		for range 8 {
			writers.Go(func() {
				client := &http.Client{Transport: &http.Transport{}}
				for {
					status, _, err := put(client, server, "a", "x")
					if err != nil || status != http.StatusOK {
						return
					}
					mu.Lock()
					acknowledged++
					mu.Unlock()
					select {
					case begun <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 50 {
			<-begun
		}
		closed := make(chan int)
		go func() { closed <- watch.closeCode() }()
		code, took := server.terminate()
		writers.Wait()
		if code != 0 || took > 10*time.Second {
			t.Errorf("got exit code %d after %s, want 0 within 10 s: %s", code, took, server.Log())
		}
		if got := <-closed; got != 1012 {
			t.Errorf("got close code %d, want 1012", got)
		}

		var got struct{ Config struct{ Version int } }
		MustServe(t, store).MustQuery(t, `{config(name:"a"){version}}`, &got)
		if got.Config.Version < acknowledged {
			t.Errorf("got version %d, want at least the %d writes that were acknowledged", got.Config.Version, acknowledged)
		}
	})
}

// TestTerminationEndsEventStreams of both edges, which would keep the server from stopping.
func TestTerminationEndsEventStreams(t *testing.T) {
	server := MustServe(t, "memory")
	var bodies []io.ReadCloser
	for _, path := range []string{"/events", "/graphql?query=" + url.QueryEscape(watchAll)} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s", path, resp.Status)
		}
		bodies = append(bodies, resp.Body)
	}
	if code, took := server.terminate(); code != 0 || took > 5*time.Second {
		t.Errorf("got exit code %d after %s, want 0 at once: %s", code, took, server.Log())
	}
	for _, body := range bodies {
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Errorf("got %v, want the end", err)
		}
	}
}

func TestASecondServerOnTheSameFileIsRefused(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "configapi.db")
	first := MustServe(t, store)
	second := run(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", store)
	if second.code != 2 || !strings.Contains(second.stderr, "another server is running on this file") {
		t.Errorf("got %+v, want exit code 2 and the reason", second)
	}
	first.Kill()
	MustServe(t, store)
}

func TestLogHoldsRequestsAndChangesButNoValues(t *testing.T) {
	server := MustServe(t, "memory")
	server.MustPut(t, "payments", "a-secret-value")
	server.terminate()
	log := server.Log()
	for _, want := range []string{"method=PUT path=/config/payments status=200", `msg="config changed" name=payments operation=CREATED version=1 position=1-`} {
		if strings.Count(log, want) != 1 {
			t.Errorf("got log %s, want one line with %q", log, want)
		}
	}
	if strings.Contains(log, "a-secret-value") {
		t.Errorf("got log %s, with a value in it", log)
	}
}

func TestFlagsComeBeforeTheEnvironment(t *testing.T) {
	server := MustServe(t, "memory", "CONFIGAPI_STORE=nonsense", "CONFIGAPI_LISTEN=nonsense", "DATABASE_URL=nonsense")
	server.MustGet(t, "/health")
	got := run(t, map[string]string{"CONFIGAPI_STORE": "nonsense", "DATABASE_URL": "postgres://127.0.0.1:1/x"}, "serve")
	if got.code != 2 || !strings.Contains(got.stderr, "the store must be") {
		t.Errorf("got %+v, want CONFIGAPI_STORE to come before DATABASE_URL", got)
	}
}
