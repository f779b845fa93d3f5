package backup_test

import (
	"errors"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// TestVersionsAreIndexedAtTheEnd: a restore does not look for versions that exist twice until its
// end, and then says so. After a restore that ends well, an append with such a version is refused.
func TestVersionsAreIndexedAtTheEnd(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			var f filler
			records := f.next(300)
			into := MustOpen(t, kind)
			MustRestore(t, MustWrite(t, MustHold(t, records[:200])), into)
			again := []eventstore.Record{records[0]}
			again[0].RecordedAt = f.head.RecordedAt.Add(time.Second)
			before := eventstore.HeadOf(&records[199])
			end := new(eventstore.Chain).Seal(before, appendID(9), again)
			if err := into.Append(t.Context(), before, again); !errors.Is(err, eventstore.ErrNotWritten) {
				t.Errorf("after a restore: got %v, want %v", err, eventstore.ErrNotWritten)
			}

			err := into.BeginRestore(t.Context(), end)
			if err == nil {
				err = into.Append(t.Context(), before, again)
			}
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := into.EndRestore(t.Context()); !errors.Is(err, eventstore.ErrVersionTwice) {
					t.Errorf("at the end: got %v, want %v", err, eventstore.ErrVersionTwice)
				}
			}
			if target, err := into.RestoreTarget(t.Context()); err != nil || !target.Same(end) {
				t.Errorf("got an unfinished restore to %+v, %v", target, err)
			}
		})
	}
}
