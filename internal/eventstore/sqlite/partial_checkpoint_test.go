package sqlite

import (
	"math/rand/v2"
	"testing"
)

// TestFailedSyncAfterPartOfACheckpoint lets a read keep a checkpoint from finishing, so that SQLite
// does not sync the database file. The fsync of the next checkpoint fails, and what both have
// copied is lost. It must be copied again.
func TestFailedSyncAfterPartOfACheckpoint(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for n := range uint64(6) {
		r := newRound(t, seed+n)
		s := r.open()
		for range 5 {
			r.append(s)
		}
		end := r.beginRead()
		r.append(s)
		s.writer.checkpointNow(t.Context())
		end()
		r.disk.fail(true, r.path+"-wal")
		s.writer.checkpointNow(t.Context())
		r.disk.fail(false, "")
		r.append(s)
		if !s.writer.checkpointNow(t.Context()) {
			t.Error("the log is not empty after the disk works again")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		r.path = r.disk.powerCut(t, r.path, t.TempDir())
		r.look()
	}
}

// beginRead begins a read as another process would, and returns a function that ends it.
func (r *round) beginRead() (end func()) {
	r.Helper()
	reader, err := openReader(r.path, r.disk.under(Options{}))
	if err != nil {
		r.Fatal(err)
	}
	head := reader.prepared[headQuery]
	if _, err := reader.step(head); err != nil {
		r.Fatal(err)
	}
	return func() {
		reader.reset(head)
		reader.close()
	}
}
