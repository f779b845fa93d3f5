//go:build unix

package cli_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"configapi/internal/certificate/certificatetest"
	"configapi/internal/processtest"
	"configapi/internal/websockettest"
)

const year = 365 * 24 * time.Hour

// secured is a configapi that speaks TLS, with a client that trusts it.
type secured struct {
	process
	ca     *certificatetest.Authority
	files  certificatetest.Files
	client *http.Client
}

func mustServeTLS(t testing.TB, ca *certificatetest.Authority, pair certificatetest.Pair) *secured {
	t.Helper()
	dir := t.TempDir()
	s := &secured{ca: ca, files: pair.Write(t, dir)}
	s.client = &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: ca.Client(), ForceAttemptHTTP2: true}}
	t.Cleanup(s.client.CloseIdleConnections)
	cmd := exec.Command(os.Args[0], "serve", "--store", "memory", "--log", "text", "--listen", "127.0.0.1:0",
		"--tls-cert", s.files.Cert, "--tls-key", s.files.Key)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	p, err := processtest.Start(cmd, filepath.Join(dir, "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	s.process = process{&processtest.Server{Process: p}}
	if err := p.Await(t.Context(), s.isReady); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *secured) isReady(ctx context.Context) bool {
	s.IsReady(ctx) // over plain HTTP it only learns the address
	if s.Address == "" {
		return false
	}
	status, _, err := s.get(ctx, s.client, "/readyz")
	return err == nil && status == http.StatusOK
}

func (s *secured) get(ctx context.Context, client *http.Client, path string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.Address+path, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content), err
}

// serial returns the serial number of the certificate that a new connection sees.
func (s *secured) serial(t testing.TB) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Address, s.ca.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// TestACertificateIsRenewedUnderLoad replaces the certificate while clients connect anew for each
// request. No connection may fail, and streams over the connections before go on.
func TestACertificateIsRenewedUnderLoad(t *testing.T) {
	ca := certificatetest.NewAuthority(t)
	s := mustServeTLS(t, ca, ca.Issue(t, year))
	watch := s.mustWatch(t)
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: ca.Client(), DisableKeepAlives: true}}
			for ctx.Err() == nil {
				if status, _, err := s.get(context.WithoutCancel(ctx), client, "/config"); err != nil || status != http.StatusOK {
					t.Errorf("got status %d, %v while the certificate is renewed", status, err)
					return
				}
			}
		})
	}
	for _, hangup := range []bool{false, true} {
		renewed := ca.Issue(t, year)
		renewed.Write(t, filepath.Dir(s.files.Cert))
		if hangup {
			if err := syscall.Kill(s.PID(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Await(t.Context(), func(context.Context) bool { return s.serial(t) == renewed.Serial }); err != nil {
			t.Fatalf("the new certificate is not used: %v", err)
		}
	}
	stop()
	load.Wait()
	s.mustPut(t, "after")
	watch.mustSee(t, "after")
}

// TestAFleetIsRenewedNodeByNode has one client of two nodes, one of which has its new certificate.
func TestAFleetIsRenewedNodeByNode(t *testing.T) {
	ca := certificatetest.NewAuthority(t)
	old := ca.Issue(t, year)
	first, second := mustServeTLS(t, ca, old), mustServeTLS(t, ca, old)
	renewed := ca.Issue(t, year)
	renewed.Write(t, filepath.Dir(second.files.Cert))
	if err := second.Await(t.Context(), func(context.Context) bool { return second.serial(t) == renewed.Serial }); err != nil {
		t.Fatal(err)
	}
	if got := first.serial(t); got != old.Serial {
		t.Errorf("got serial %d of the first node, want %d", got, old.Serial)
	}
	for _, node := range []*secured{first, second} {
		if status, body, err := node.get(t.Context(), first.client, "/config"); err != nil || status != http.StatusOK {
			t.Errorf("got status %d, %v: %s", status, err, body)
		}
	}
}

// TestAWebsocketOverTLS gets a change over wss, where HTTP/2 is offered to others.
func TestAWebsocketOverTLS(t *testing.T) {
	ca := certificatetest.NewAuthority(t)
	s := mustServeTLS(t, ca, ca.Issue(t, year))
	socket, err := websockettest.Open(t.Context(), "https://"+s.Address+"/graphql", websockettest.Options{
		Patience: patience,
		Header:   http.Header{"Origin": {"https://" + s.Address}},
		Dial: func(ctx context.Context) (net.Conn, error) {
			config := ca.Client()
			config.NextProtos = []string{"http/1.1"}
			return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", s.Address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Send(`{"id":"1","type":"subscribe","payload":{"query":"subscription{configChanges{changes{name}}}"}}`); err != nil {
		t.Fatal(err)
	}
	if m, err := socket.Receive(); err != nil || m.Type != "next" {
		t.Fatalf("got %s, %v first; want next", m.Text, err)
	}
	s.mustPut(t, "over-tls")
	if m, err := socket.Receive(); err != nil || !strings.Contains(string(m.Text), "over-tls") {
		t.Errorf("got %s, %v; want the change", m.Text, err)
	}
}

func TestOnlyTLSIsSpoken(t *testing.T) {
	ca := certificatetest.NewAuthority(t)
	s := mustServeTLS(t, ca, ca.Issue(t, year))
	if !strings.Contains(s.Log(), "playground=https://"+s.Address+"/playground") {
		t.Errorf("the playground is not logged with https: %s", s.Log())
	}
	answer, err := http.Get(s.URL("/config"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "HTTPS") {
		t.Errorf("plain HTTP got status %d, %v: %q", answer.StatusCode, err, body)
	}
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := ca.Client()
		config.MinVersion, config.MaxVersion = version, version
		conn, err := tls.Dial("tcp", s.Address, config)
		if (err == nil) != want {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if code, took := s.terminate(); code != 0 || took > processtest.Patience {
		t.Errorf("got exit code %d after %v: %s", code, took, s.Log())
	}
}

func TestTLSNeedsAPair(t *testing.T) {
	ca := certificatetest.NewAuthority(t)
	files, other := ca.Issue(t, year).Write(t, t.TempDir()), ca.Issue(t, year).Write(t, t.TempDir())
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--tls-cert", files.Cert}, "go together"},
		{[]string{"--tls-key", files.Key}, "go together"},
		{[]string{"--tls-cert", files.Cert, "--tls-key", other.Key}, "private key does not match"},
		{[]string{"--tls-cert", files.Cert, "--tls-key", "missing"}, "reading the key"},
	} {
		cmd := exec.Command(os.Args[0], append([]string{"serve", "--store", "memory", "--listen", "127.0.0.1:0"}, test.args...)...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		out, err := cmd.CombinedOutput()
		if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.ExitCode() != 2 || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: got %v: %s; want exit code 2 and %q", test.args, err, out, test.want)
		}
	}
}

func mustServeWithNewAuthority(t testing.TB) *secured {
	t.Helper()
	ca := certificatetest.NewAuthority(t)
	return mustServeTLS(t, ca, ca.Issue(t, year))
}
