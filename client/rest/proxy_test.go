package rest_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"configapi/client/rest"
)

// proxy is an HTTP proxy that keeps what it reads, up to the bytes of a tunnel.
type proxy struct {
	address string
	mu      sync.Mutex // guards read
	read    strings.Builder
}

func (p *proxy) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read.String()
}

// newProxy runs a proxy that makes tunnels to one address, whatever the client asks for.
func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String()}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(conn, to) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return p
}

func (p *proxy) serve(conn net.Conn, to string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	p.mu.Lock()
	_ = request.Write(&p.read)
	p.mu.Unlock()
	if request.Method != http.MethodConnect {
		_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return
	}
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(conn, server)
		_ = conn.Close()
	})
	_, _ = io.Copy(server, in)
	_ = server.Close()
	back.Wait()
}

// asClient has the test binary make one request: net/http reads the variables of proxies once in
// the life of a process.
const asClient = "CONFIGAPI_TEST_PROXY_CLIENT"

// TestMain makes the request of TestProxies in a process of its own.
func TestMain(m *testing.M) {
	url := os.Getenv(asClient)
	if url == "" {
		os.Exit(m.Run())
	}
	client, err := rest.New(rest.Options{URL: url, Token: "the-secret", Insecure: true, CA: []byte(os.Getenv(asClient + "_CA"))})
	if err == nil {
		defer client.Close()
		_, _, err = client.Config(context.Background(), "a", "")
	}
	if err != nil {
		_, _ = io.WriteString(os.Stdout, err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// TestProxies: requests over TLS go through the proxy of HTTPS_PROXY, which sees neither the token
// nor the path; NO_PROXY leaves it out; http:// goes through none, whatever the variables say.
func TestProxies(t *testing.T) {
	var mu sync.Mutex
	seen := ""
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{"name":"a","value":"1"}`)
	})
	secure, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer secure.Close()
	defer plain.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	address := secure.Listener.Addr().String()
	for name, test := range map[string]struct {
		url, noProxy string
		variable     string
		want         string // what the proxy reads; "": nothing
		fails        bool
	}{
		"TLS":           {url: "https://example.com/base", variable: "HTTPS_PROXY", want: "CONNECT example.com:443 HTTP/1.1"},
		"lower case":    {url: "https://example.com", variable: "https_proxy", want: "CONNECT example.com:443 HTTP/1.1"},
		"another NO":    {url: "https://example.com", variable: "HTTPS_PROXY", noProxy: "other.example,.internal", want: "CONNECT example.com:443 HTTP/1.1"},
		"this machine":  {url: "https://" + address, variable: "HTTPS_PROXY"},
		"NO_PROXY":      {url: "https://nothing.invalid", variable: "HTTPS_PROXY", noProxy: ".invalid", fails: true},
		"HTTP_PROXY":    {url: "https://nothing.invalid", variable: "HTTP_PROXY", fails: true},
		"plain":         {url: "http://nothing.invalid", variable: "HTTP_PROXY", fails: true},
		"plain for TLS": {url: "http://nothing.invalid", variable: "HTTPS_PROXY", fails: true},
		"plain here":    {url: plain.URL, variable: "HTTP_PROXY"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, address)
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = []string{asClient + "=" + test.url, asClient + "_CA=" + ca, test.variable + "=http://" + p.address, "NO_PROXY=" + test.noProxy, "GOCOVERDIR=" + t.TempDir()}
			out, err := cmd.CombinedOutput()
			if (err != nil) != test.fails {
				t.Errorf("got %v: %s", err, out)
			}
			if got := p.text(); strings.Contains(got, "the-secret") || strings.Contains(got, "Authorization") || !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
				t.Errorf("the proxy has read %q, want %q", got, test.want)
			}
			mu.Lock()
			defer mu.Unlock()
			if want := "Bearer the-secret"; !test.fails && seen != want {
				t.Errorf("the server got %q, want %q", seen, want)
			}
			seen = ""
		})
	}
}
