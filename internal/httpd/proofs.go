package httpd

import (
	"crypto/subtle"
	"sync/atomic"

	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// keptHeaderBytes is the longest header Authorization that is kept: one with a secret has 83.
const keptHeaderBytes = 128

// lastProof is what has proved the last caller of a connection. Most connections are of one caller,
// and comparing a header costs less than finding its secret: see BenchmarkReads of
// internal/edgetest. It is safe for concurrent use.
type lastProof struct{ kept atomic.Pointer[provedHeader] }

// provedHeader is the whole value of a header Authorization, and what it has proved.
type provedHeader struct {
	value string
	proof configstore.Proof
}

// of returns what the values of a header have proved on this connection, nil when others came last.
// How long it takes says nothing about the header that is kept, which may be another caller's.
func (l *lastProof) of(values []string) *configstore.Proof {
	kept := l.kept.Load()
	if kept == nil || len(values) != 1 || subtle.ConstantTimeCompare([]byte(values[0]), []byte(kept.value)) == 0 {
		return nil
	}
	return &kept.proof
}

// keep keeps what the value of a header has proved, in place of what was kept before.
func (l *lastProof) keep(value string, caller auth.Caller) {
	if len(value) <= keptHeaderBytes {
		l.kept.Store(&provedHeader{value: value, proof: configstore.Proof{Caller: caller}})
	}
}
