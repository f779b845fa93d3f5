//go:build unix

package certificate_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/certificate"
	"configapi/internal/certificate/certificatetest"
)

const (
	year = 365 * 24 * time.Hour
	// settled is a time in which a change is noticed, and taken.
	settled = 5 * time.Second
)

// keeper is what runs in each test: the files of a pair, and what is logged.
type keeper struct {
	*certificate.Files
	at      certificatetest.Files
	hangups chan os.Signal

	mu   sync.Mutex
	text bytes.Buffer // what was logged
}

// Write takes a line of the log.
func (k *keeper) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(line)
}

// log returns what was logged.
func (k *keeper) log() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.String()
}

func start(t *testing.T, pair certificatetest.Pair) *keeper {
	t.Helper()
	k := &keeper{at: pair.Write(t, t.TempDir()), hangups: make(chan os.Signal)}
	files, err := certificate.Open(k.at.Cert, k.at.Key, slog.New(slog.NewTextHandler(k, nil)))
	if err != nil {
		t.Fatal(err)
	}
	k.Files = files
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- k.Run(ctx, k.hangups, func(load func()) { load() }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return k
}

func (k *keeper) serial(t *testing.T) int64 {
	t.Helper()
	cert, err := k.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.SerialNumber.Int64()
}

func (k *keeper) warnings() int { return strings.Count(k.log(), "level=WARN") }

// pass lets time pass, and waits until all that it causes is done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestChangedFilesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certificatetest.NewAuthority(t)
		k := start(t, ca.Issue(t, year))
		renewed := ca.Issue(t, year)
		renewed.Write(t, filepath.Dir(k.at.Cert))
		pass(settled)
		if got := k.serial(t); got != renewed.Serial || k.warnings() > 0 {
			t.Errorf("got serial %d, want %d: %s", got, renewed.Serial, k.log())
		}
	})
}

// TestHalfARenewalIsNotTaken has a look between the writes of the two files.
func TestHalfARenewalIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certificatetest.NewAuthority(t)
		before := ca.Issue(t, year)
		k := start(t, before)
		renewed := ca.Issue(t, year)
		certificatetest.WriteFile(t, k.at.Cert, renewed.Cert)
		pass(3 * time.Second)
		if got := k.serial(t); got != before.Serial {
			t.Errorf("got serial %d with half a pair, want %d", got, before.Serial)
		}
		certificatetest.WriteFile(t, k.at.Key, renewed.Key)
		pass(settled)
		if got := k.serial(t); got != renewed.Serial || k.warnings() > 0 {
			t.Errorf("got serial %d, want %d without a warning: %s", got, renewed.Serial, k.log())
		}
	})
}

func TestABrokenPairIsWarnedAboutOnce(t *testing.T) {
	ca := certificatetest.NewAuthority(t)
	before, other := ca.Issue(t, year), ca.Issue(t, year)
	for name, breakIt := range map[string]func(t *testing.T, k *keeper){
		"no certificate": func(t *testing.T, k *keeper) { certificatetest.WriteFile(t, k.at.Cert, []byte("none")) },
		"key of another": func(t *testing.T, k *keeper) { certificatetest.WriteFile(t, k.at.Key, other.Key) },
		"too long":       func(t *testing.T, k *keeper) { certificatetest.WriteFile(t, k.at.Key, make([]byte, 2<<20)) },
		"no file": func(t *testing.T, k *keeper) {
			if err := os.Remove(k.at.Key); err != nil {
				t.Fatal(err)
			}
		},
		"a pipe": func(t *testing.T, k *keeper) {
			if err := os.Remove(k.at.Key); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(k.at.Key, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := start(t, before)
				breakIt(t, k)
				pass(time.Minute)
				if got := k.serial(t); got != before.Serial || k.warnings() != 1 {
					t.Errorf("got serial %d and %d warnings, want %d and 1: %s", got, k.warnings(), before.Serial, k.log())
				}
				if strings.Contains(k.log(), "PRIVATE") {
					t.Error("the log has a key")
				}
				_ = os.Remove(k.at.Key)
				other.Write(t, filepath.Dir(k.at.Cert))
				pass(settled)
				if got := k.serial(t); got != other.Serial {
					t.Errorf("got serial %d of a whole pair, want %d", got, other.Serial)
				}
			})
		})
	}
}

func TestAHangupTakesThePairAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certificatetest.NewAuthority(t)
		k := start(t, ca.Issue(t, year))
		renewed := ca.Issue(t, year)
		renewed.Write(t, filepath.Dir(k.at.Cert))
		k.hangups <- syscall.SIGHUP
		synctest.Wait()
		if got := k.serial(t); got != renewed.Serial {
			t.Errorf("got serial %d, want %d", got, renewed.Serial)
		}
	})
}

func TestExpiryIsWarnedAboutDaily(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		ca := certificatetest.NewAuthority(t)
		k := start(t, ca.IssueFrom(t, -70*day, 30*day+time.Minute))
		if got := k.warnings(); got != 0 {
			t.Errorf("got %d warnings more than 30 days before the end, want none: %s", got, k.log())
		}
		pass(2 * time.Minute)
		if got := k.warnings(); got != 1 || !strings.Contains(k.log(), "expires soon") {
			t.Errorf("got %d warnings less than 30 days before the end, want 1: %s", got, k.log())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ca := certificatetest.NewAuthority(t)
		k := start(t, ca.IssueFrom(t, -99*day, day))
		pass(day + time.Minute)
		if got := k.warnings(); got != 2 || !strings.Contains(k.log(), "has expired") {
			t.Errorf("got %d warnings in a day, want 2, the last one of the end: %s", got, k.log())
		}
	})
}

// TestAShortCertificateIsWarnedAboutLate checks one that never has 30 days left.
func TestAShortCertificateIsWarnedAboutLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := start(t, certificatetest.NewAuthority(t).Issue(t, time.Hour))
		pass(35 * time.Minute)
		if got := k.warnings(); got != 0 {
			t.Errorf("got %d warnings with 25 minutes left, want none", got)
		}
		pass(10 * time.Minute)
		if got := k.warnings(); got != 1 {
			t.Errorf("got %d warnings with 15 minutes left, want 1", got)
		}
	})
}
