package postgres

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// countRoundTrips counts how often the store's writer waits for the server while do runs: the
// server says each time that it is ready.
func countRoundTrips(s *Store, do func()) int {
	var messages bytes.Buffer
	connection := s.writer.conn.PgConn().Frontend()
	connection.Trace(&messages, pgproto3.TracerOptions{SuppressTimestamps: true})
	do()
	connection.Untrace()
	return bytes.Count(messages.Bytes(), []byte("B\tReadyForQuery"))
}

func TestAppendsTakeFewRoundTrips(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	mustOpen(t, direct, Options{})
	for what, dsn := range map[string]string{"direct": direct, "behind a pooler": throughPooler(t, direct)} {
		s := mustOpen(t, dsn, Options{})
		head, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := countRoundTrips(s, func() { head = mustAppend(t, s, head, 3) }); n != 1 {
			t.Errorf("%s: an append took %d round trips, want 1", what, n)
		}
		var receipts []eventstore.Receipt
		for _, missed := range []eventstore.Seq{0, 3} {
			receipts = append(receipts[:0], eventstore.Receipt{Key: eventstore.Key{Text: fmt.Sprint(head.Seq)}})
			written := records(head, 2)
			n := countRoundTrips(s, func() {
				err = s.AppendLocked(t.Context(), head.Seq-missed, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
					return written, receipts, nil
				})
			})
			if err != nil || n != 2 {
				t.Errorf("%s: a locked append that missed %d took %d round trips and returned %v, want 2", what, missed, n, err)
			}
			head = headOf(written)
		}
	}
}
