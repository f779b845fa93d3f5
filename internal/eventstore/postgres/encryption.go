package postgres

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
)

// warnIfUnverified warns about a connection to another machine that does not verify who answers.
func warnIfUnverified(config *pgx.ConnConfig, log *slog.Logger) {
	if host := unverifiedHost(config); host != "" {
		log.Warn("the connection to PostgreSQL on another machine is not encrypted, or does not verify the server, so that others may read and change it; "+
			"add sslmode=verify-full to the URL, and sslrootcert=FILE for an authority of your own", "host", host)
	}
}

// unverifiedHost returns the first host of another machine to which a connection may be weaker than
// sslmode=verify-full, "" if there is none.
func unverifiedHost(config *pgx.ConnConfig) string {
	if isUnverified(config.Host, config.TLSConfig) {
		return config.Host
	}
	for _, other := range config.Fallbacks {
		if isUnverified(other.Host, other.TLSConfig) {
			return other.Host
		}
	}
	return ""
}

// isUnverified reports whether the connection leaves this machine and does not verify the name of
// the server. pgx verifies the authority alone with InsecureSkipVerify and a function of its own.
func isUnverified(host string, config *tls.Config) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return false
	}
	if address := net.ParseIP(host); address != nil && address.IsLoopback() {
		return false
	}
	return config == nil || config.InsecureSkipVerify
}
