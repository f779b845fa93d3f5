package rest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	// dialTime is how long it may take to make a connection, and again to agree on TLS.
	dialTime = 10 * time.Second
	// silence is how long a server may send nothing while a request is under way. Event streams
	// have a comment every 15 s.
	silence = time.Minute
	// usualPatience is for how long a write is sent again while its outcome is unknown.
	usualPatience = 10 * time.Second
	// maxAnswerBytes is the longest answer, and the longest element of a list. A change set has
	// 4 MiB of values, and its outcome the old ones too; an escape in JSON makes 6 bytes of one.
	maxAnswerBytes = 64 << 20
)

// Options of a [Client]. URL must be set.
type Options struct {
	// URL is the address of the server, such as https://config.example. It may have a path.
	URL string
	// Token is the secret of the token that is sent. "": none.
	Token string
	// Insecure allows a token over http:// to another machine.
	Insecure bool
	// CA has certificates in PEM. They alone are trusted to sign that of the server. nil: those of
	// the system are.
	CA []byte
	// Dial makes connections. nil: they are made over TCP, to the host of URL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// UserAgent names the program. "": configapi.
	UserAgent string
	// Patience is for how long a change set is sent again while its outcome is unknown. 0: 10 s;
	// negative: it is sent once.
	Patience time.Duration
	// Waiting is called when the outcome of a write has become unknown, and the write is to be sent
	// again. nil: nothing is called.
	Waiting func(*Error)
}

// Client is a client of one server. Use [New]; it is safe for concurrent use.
type Client struct {
	http  *http.Client
	base  string // the server's URL without the slash at its end
	token string // "": none
	agent string

	patience time.Duration
	waiting  func(*Error)
}

// New returns a client of a server. The error is about the options: it says which address or which
// certificates cannot be used, and why.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("the address of a server must be a URL such as https://config.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of a server must be a URL without a user, a query and a fragment")
	}
	staysHere := u.Scheme == "http" && o.Token != "" && !o.Insecure
	if staysHere && !isLoopback(u.Hostname()) {
		return nil, errNotHere(u.Host)
	}
	transport := &http.Transport{
		Proxy:                 proxyOfTLS,
		DialContext:           dialer(staysHere).DialContext,
		TLSHandshakeTimeout:   dialTime,
		ResponseHeaderTimeout: silence,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if o.Dial != nil {
		transport.DialContext = o.Dial
	}
	if o.CA != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("there is no certificate in PEM among those to trust")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return newClient(transport, strings.TrimSuffix(u.String(), "/"), o), nil
}

func newClient(transport *http.Transport, base string, o Options) *Client {
	follow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{
		http: &http.Client{Transport: transport, CheckRedirect: follow},
		base: base, token: o.Token, agent: cmp.Or(o.UserAgent, "configapi"),
		patience: cmp.Or(o.Patience, usualPatience), waiting: o.Waiting,
	}
	if c.waiting == nil {
		c.waiting = func(*Error) {}
	}
	return c
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// URL returns the address of the server, without a slash at its end.
func (c *Client) URL() string { return c.base }

// proxyOfTLS returns the proxy for a request that goes over TLS. Others would be read by it.
func proxyOfTLS(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme != "https" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// dialer returns one that connects to this machine alone when staysHere is set: who answers for a
// name below localhost is up to the resolver.
func dialer(staysHere bool) *net.Dialer {
	d := &net.Dialer{Timeout: dialTime}
	if staysHere {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			host, _, err := net.SplitHostPort(address)
			if err != nil || !isLoopback(host) {
				return errNotHere(address)
			}
			return nil
		}
	}
	return d
}

func errNotHere(host string) error {
	return fmt.Errorf("the token is not sent to %s, since everyone on the way could read it: %w", host, ErrUseTLS)
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
