package clientcmd_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/internal/cli"
	"configapi/internal/processtest"
)

// asProgram makes the test binary run configapi itself, so that tests can kill a real server.
const asProgram = "CONFIGAPI_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	cli.Main()
}

// killable is a server in a process of its own, which comes back at the same address.
type killable struct {
	*processtest.Server
	store, folder, address string
}

// newKillable starts a server on a port that is free.
func newKillable(t *testing.T) *killable {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	k := &killable{store: "sqlite:" + filepath.Join(folder, "x.db"), folder: folder, address: free.Addr().String()}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	k.start(t)
	t.Cleanup(func() { k.Kill() })
	return k
}

func (k *killable) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--store", k.store, "--log", "text", "--listen", k.address, "--admin-socket", "off")
	cmd.Env, cmd.Dir = append(os.Environ(), asProgram+"=1"), k.folder
	p, err := processtest.Start(cmd, filepath.Join(k.folder, "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	k.Server = &processtest.Server{Process: p, Address: k.address}
	if err := p.Await(t.Context(), k.IsReady); err != nil {
		t.Fatal(err)
	}
}

// mustGet returns the answer at a path.
func (k *killable) mustGet(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get(k.URL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestKilledServer kills the server at a random moment of a write, and starts it again. The command
// ends with 0 and the change was made once, or it says what is true: nothing was sent, or nobody
// knows.
func TestKilledServer(t *testing.T) {
	k := newKillable(t)
	p := process{env: map[string]string{"CONFIGAPI_URL": k.URL("")}}
	p.run(t, "set", "a", "0").must(t, 0)
	codes, resolved := map[int]int{}, 0
	for i, args := range [][]string{{"set", "a", "1"}, {"delete", "a"}, {"restore", "a"}, {"set", "b", "2", "--create"}, {"delete", "a"}, {"restore", "a"}, {"set", "a", "3"}} {
		reason := fmt.Sprintf("round %d", i)
		for made := 0; made == 0; { // a write of which nothing was sent is tried again
			ended := make(chan result, 1)
			go func() { ended <- p.run(t, append(args, "-m", reason)...) }()
			<-time.After(time.Duration(rand.Int64N(int64(5 * time.Millisecond))))
			k.Kill()
			k.start(t)
			got := <-ended
			codes[got.code]++
			resolved += strings.Count(got.stderr, "sent again")
			made = strings.Count(k.mustGet(t, "/config/"+args[1]+"/history"), `"reason":"`+reason+`"`)
			switch {
			case got.code == 0 && made == 1:
			case got.code == 6 && made == 0 && strings.Contains(got.stderr, "nothing was sent"):
			case got.code == 7 && made <= 1 && strings.Contains(got.stderr, "the outcome is unknown"):
			default:
				t.Fatalf("%q: got %+v, and the change was made %d times", args, got, made)
			}
		}
	}
	t.Logf("exit codes: %v; %d outcomes were unknown at first", codes, resolved)
}

// TestServerThatNeverAnswers has a server that makes the change, and never says so.
func TestServerThatNeverAnswers(t *testing.T) {
	s := newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(time.Second, cancel) // the user has no patience, and types ^C
	got := process{env: map[string]string{"CONFIGAPI_URL": s.URL}}.runUntil(ctx, t, "set", "a", "1")
	got.must(t, 7, "the outcome is unknown")
}
