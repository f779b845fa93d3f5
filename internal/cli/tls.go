package cli

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"configapi/internal/certificate"
	"configapi/internal/sdnotify"
)

// openCertificate reads the certificate that the flags name, nil for none.
func openCertificate(set settings, log *slog.Logger) (*certificate.Files, error) {
	if set.tlsCert == "" {
		return nil, nil
	}
	files, err := certificate.Open(set.tlsCert, set.tlsKey, log)
	if err != nil {
		return nil, startErrorf("--tls-cert and --tls-key: %w", err)
	}
	return files, nil
}

// scheme is that of the URLs of the server.
func (at addresses) scheme() string {
	if at.files == nil {
		return "http"
	}
	return "https"
}

// getCertificate returns what a server needs for TLS, nil for plain HTTP.
func (at addresses) getCertificate() func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if at.files == nil {
		return nil
	}
	return at.files.Get
}

// reload takes renewed certificates until ctx ends: of changed files, and at once when the process
// gets the signal SIGHUP. Without files the signal ends the process, as it does when a terminal is
// closed, unless a service manager has started it, which then reloads nothing.
func (at addresses) reload(ctx context.Context, manager *sdnotify.Manager) error {
	if at.files == nil && manager == nil {
		return nil
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	if at.files != nil {
		return at.files.Run(ctx, hangups, manager.Reload)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
			manager.Reload(func() {})
		}
	}
}
