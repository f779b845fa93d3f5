package backup_test

import (
	"errors"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// TestVersionThatExistsTwice: a restore of events that are the same version of a config does not
// end: some stores refuse the second event, others the end. A store that is in use refuses it, too.
func TestVersionThatExistsTwice(t *testing.T) {
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

			if err := into.BeginRestore(t.Context(), end); err != nil {
				t.Fatal(err)
			}
			err := into.Append(t.Context(), before, again)
			for range 2 {
				if err == nil {
					err = into.EndRestore(t.Context())
				}
				if !errors.Is(err, eventstore.ErrNotNextVersion) || !errors.Is(err, eventstore.ErrNotWritten) {
					t.Errorf("got %v, want %v", err, eventstore.ErrNotNextVersion)
				}
			}
			if target, err := into.RestoreTarget(t.Context()); err != nil || !target.Same(end) {
				t.Errorf("got an unfinished restore to %+v, %v", target, err)
			}
		})
	}
}
