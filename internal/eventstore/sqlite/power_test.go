package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/slowtest"
)

// roundsVariable names the environment variable that sets how many rounds TestFailingDisk runs. The
// default is a few.
const roundsVariable = "SQLITE_TEST_DISK_ROUNDS"

// TestFailingDisk makes fsync fail for a while, stops or kills the server, starts another one on
// the files, cuts the power, and checks that all acknowledged appends are still there.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	rounds := slowtest.Rounds(3, 8)
	if text := os.Getenv(roundsVariable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	restarts, acknowledged, failed := 0, 0, 0
	for n := range rounds {
		r := newRound(t, seed+uint64(n))
		r.run()
		restarts, acknowledged, failed = restarts+r.restarts, acknowledged+len(r.acknowledged), failed+r.failed
		if t.Failed() {
			t.Fatalf("round %d of seed %d", n, seed)
		}
	}
	t.Logf("%d restarts, %d appends acknowledged, %d failed, none lost", restarts, acknowledged, failed)
	if failed == 0 {
		t.Error("no append failed: the disk did not fail")
	}
}

// TestPowerCutWhileAServerStarts cuts the power after each operation of a start in turn, when the
// log has appends whose fsync failed.
func TestPowerCutWhileAServerStarts(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := newRound(t, seed)
	s := r.open()
	for range 5 {
		r.append(s)
	}
	r.disk.fail(true, "")
	for range 2 {
		r.append(s)
	}
	left := r.disk.kill(r, r.path, t.TempDir())
	s.Close()
	r.disk.fail(false, "")
	for n := 1; ; n++ {
		for range 3 { // each keeps other pages
			r.path = r.disk.kill(r, left, t.TempDir())
			cut := r.startPowerless(n)
			r.look()
			if !cut {
				return // the start took fewer than n operations
			}
		}
	}
}

// round is the life of one history on a failing disk.
type round struct {
	*testing.T
	random       *rand.Rand
	disk         *disk
	path         string
	acknowledged []eventstore.Head
	failed       int // appends that failed
	restarts     int
}

func newRound(t *testing.T, seed uint64) *round {
	r := &round{T: t, random: rand.New(rand.NewPCG(seed, 2)), disk: newDisk(t, seed, false)}
	r.path = filepath.Join(t.TempDir(), "history.db")
	return r
}

func (r *round) run() {
	for range 2 + r.random.IntN(3) {
		r.serve(10+r.random.IntN(20), true)
		if r.random.IntN(3) > 0 {
			r.startPowerless(1 + r.random.IntN(20))
		}
		r.serve(5+r.random.IntN(20), false)
		r.path = r.disk.powerCut(r, r.path, r.TempDir())
		r.look()
	}
}

// serve runs a server for some appends. With failing, the disk fails during some of them, for one
// of the files or for all. Another process may read meanwhile. In the end the server is killed, and
// the round goes on with a copy of its files.
func (r *round) serve(appends int, failing bool) {
	r.Helper()
	s := r.open()
	fails, reads := r.random.IntN(appends), r.random.IntN(2*appends)
	endRead := func() {}
	defer func() { endRead() }()
	for n := range appends {
		switch n {
		case reads:
			endRead = r.beginRead()
		case reads + 3:
			endRead()
			endRead = func() {}
		}
		if failing && n == fails {
			r.disk.fail(true, []string{"", r.path, r.path + "-wal"}[r.random.IntN(3)])
		}
		if failing && n == fails+3 {
			r.disk.fail(r.random.IntN(2) == 0, "")
		}
		r.append(s)
		if r.random.IntN(8) == 0 {
			s.writer.checkpointNow(r.Context())
		}
	}
	if r.random.IntN(3) == 0 { // stop the server whatever the disk does
		s.Close()
		s = nil
	}
	path := r.path
	r.path = r.disk.kill(r, path, r.TempDir())
	if s != nil {
		s.Close()
	}
	r.disk.fail(false, "")
	r.restarts++
}

// startPowerless starts a server and cuts its power after n operations of the disk. It reports
// whether the start took that many.
func (r *round) startPowerless(n int) bool {
	r.Helper()
	to, after := r.TempDir(), ""
	r.disk.cutAfter(n, func() { after = r.disk.powerCutLocked(r, r.path, to) })
	s := r.open()
	r.disk.cutAfter(0, nil)
	s.Close()
	r.restarts++
	if after == "" {
		return false
	}
	r.path = after
	return true
}

func (r *round) open() *Store {
	r.Helper()
	// There is no lock: a process that another test starts may inherit it for a short time.
	s, err := Open(r.Context(), r.path, r.disk.under(Options{checkpointBytes: 256 << 10}))
	if err != nil {
		r.Fatalf("opening after a crash: %v", err)
	}
	return s
}

func (r *round) append(s *Store) {
	r.Helper()
	before, err := s.Head(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	names := make([]string, 1+r.random.IntN(40))
	for i := range names {
		names[i] = fmt.Sprintf("config/%d", r.random.IntN(500))
	}
	records, after := eventstoretest.Next(before, names...)
	switch err := s.Append(r.Context(), before, records); {
	case err == nil:
		r.acknowledged = append(r.acknowledged, after)
	case errors.Is(err, eventstore.ErrHeadMoved):
		r.Fatal(err)
	default:
		r.failed++
	}
}

// look checks that the history has all acknowledged appends.
func (r *round) look() {
	r.Helper()
	s := r.open()
	defer s.Close()
	all, err := eventstoretest.Verify(r.Context(), s)
	if err != nil {
		r.Fatalf("after a power cut: %v", err)
	}
	for _, head := range r.acknowledged {
		if int(head.Seq) > len(all) || all[head.Seq-1].Hash != head.Hash {
			r.Fatalf("%s was acknowledged, but the history of %d records does not have it", head.Position(), len(all))
		}
	}
}
