// Package certificate keeps the TLS certificate of a server current. It reads the certificate and
// its key from two files, and reads them again while the server runs, so that a renewed certificate
// needs no restart.
//
// The two files are one pair: a certificate is used only with the key that belongs to it. A pair
// that cannot be used is logged once, and the server goes on with the pair before. The package also
// warns about a certificate that is about to expire. It neither makes nor orders certificates.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

const (
	// lookInterval is the time between two looks at the files.
	lookInterval = 2 * time.Second
	// maxFileBytes is the size of the largest file that is read.
	maxFileBytes = 1 << 20
	// warnBefore is how long before its end a certificate is warned about. One that lasts less than
	// three times as long is warned about in its last third.
	warnBefore = 30 * 24 * time.Hour
	// warnInterval is the time between two such warnings.
	warnInterval = 24 * time.Hour
)

// Files are the files of a certificate and its key, in PEM. The first certificate of the file is
// that of the server, and those of the authorities between it and a root follow. Use [Open].
type Files struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[pair]

	// The following is used by Run alone, once Open has returned.
	used    contents // of the current pair
	seen    contents // by the last look
	refused contents // the last that were warned about
	warned  time.Time
}

// Open reads a certificate and its key. Problems that come later are logged.
func Open(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	f := &Files{certFile: certFile, keyFile: keyFile, log: log}
	found := f.read()
	p, err := found.parse()
	if err != nil {
		return nil, err
	}
	f.current.Store(p)
	f.used, f.seen = found, found
	f.warnOfExpiry()
	return f, nil
}

// Get returns the current certificate. It is a [tls.Config.GetCertificate], and safe for concurrent
// use.
func (f *Files) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &f.current.Load().Certificate, nil
}

// Run looks at the files each 2 s until ctx ends, and takes a new pair once two looks in a row have
// found it: a file may be half written, or the other one still the old one. After a signal on
// hangups it takes the pair at once, in a function that it gives to reload. It returns nil.
func (f *Files) Run(ctx context.Context, hangups <-chan os.Signal, reload func(load func())) error {
	looks := time.NewTicker(lookInterval)
	defer looks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
			reload(func() { f.look(true) })
		case <-looks.C:
			f.look(false)
		}
		f.warnOfExpiry()
	}
}

// look takes the pair that the files contain if it is new. atOnce also takes one that no look has
// found before.
func (f *Files) look(atOnce bool) {
	found := f.read()
	again := found == f.seen
	f.seen = found
	switch {
	case found == f.used:
		f.refused = contents{}
		return
	case found == f.refused, !again && !atOnce:
		return
	}
	p, err := found.parse()
	if err != nil {
		f.refused = found
		f.log.Warn("the certificate or its key has changed and cannot be used; the server goes on with the one before", "error", err)
		return
	}
	f.current.Store(p)
	f.used, f.refused, f.warned = found, contents{}, time.Time{}
	f.log.Info("the server uses a new certificate", "file", f.certFile, "serial", p.Leaf.SerialNumber.Text(16), "expires", p.expires)
}

// warnOfExpiry warns about the current certificate once a day when it ends soon, or has ended.
func (f *Files) warnOfExpiry() {
	now, p := time.Now(), f.current.Load()
	if now.Before(p.expires.Add(-p.warnBefore())) || now.Before(f.warned.Add(warnInterval)) {
		return
	}
	f.warned = now
	text := "the certificate expires soon; renew it"
	if !now.Before(p.expires) {
		text = "the certificate has expired, so clients refuse it; renew it"
	}
	f.log.Warn(text, "file", f.certFile, "expires", p.expires)
}

// read reads both files.
func (f *Files) read() contents {
	cert, err := readFile(f.certFile)
	if err != nil {
		return contents{problem: "reading the certificate: " + err.Error()}
	}
	key, err := readFile(f.keyFile)
	if err != nil {
		return contents{problem: "reading the key: " + err.Error()}
	}
	return contents{cert: cert, key: key, names: fmt.Sprintf("%s and %s", f.certFile, f.keyFile)}
}

// readFile reads a regular file: opening a pipe could block.
func readFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxFileBytes:
		return "", fmt.Errorf("%s is longer than %d bytes", name, maxFileBytes)
	}
	return string(data), nil
}

// contents are what the two files contain, or why they cannot be read.
type contents struct{ cert, key, names, problem string }

func (c contents) parse() (*pair, error) {
	if c.problem != "" {
		return nil, errors.New(c.problem)
	}
	cert, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.names, err)
	}
	p := &pair{Certificate: cert, expires: cert.Leaf.NotAfter}
	for _, der := range cert.Certificate[1:] {
		issuer, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", c.names, err)
		}
		if issuer.NotAfter.Before(p.expires) {
			p.expires = issuer.NotAfter
		}
	}
	return p, nil
}

// pair is a certificate with its key.
type pair struct {
	tls.Certificate
	expires time.Time // the first of the chain to end
}

func (p *pair) warnBefore() time.Duration {
	return min(warnBefore, p.expires.Sub(p.Leaf.NotBefore)/3)
}
