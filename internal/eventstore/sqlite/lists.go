package sqlite

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

const (
	// wrongPreviousQuery finds the first event that does not name the one before it.
	wrongPreviousQuery = `SELECT e.position FROM events e LEFT JOIN events p ON p.position = e.previous AND e.previous < e.position
		WHERE e.position > ? AND e.position <= ? AND CASE e.version WHEN 1 THEN e.previous <> 0
			ELSE p.version IS NOT e.version - 1 OR p.config_name IS NOT e.config_name END
		ORDER BY e.position LIMIT 1`

	// wrongNewestQuery finds a row of newest that does not name two events of its name.
	wrongNewestQuery = `SELECT max(n.position, 1) FROM newest n
			LEFT JOIN events e ON e.position = n.position LEFT JOIN events f ON f.position = n.first
		WHERE e.config_name IS NOT n.config_name OR e.version IS NOT n.version
			OR f.config_name IS NOT n.config_name OR f.version IS NOT 1
		LIMIT 1`

	// listedQuery counts the events that the rows of newest lead to. The versions of a name have no
	// gap, so its newest version is the number of its events.
	listedQuery = `SELECT coalesce(sum(version), 0) FROM newest`
)

// listPage is how many events are checked in one read transaction.
const listPage = 1 << 16

// VerifyLists checks that the lists of versions lead to all events up to the head, which the hash
// chain does not show. The error is an [*eventstore.ChainError] if they do not. It may run beside
// appends, and takes as long as reading all events once.
func (s *Store) VerifyLists(ctx context.Context) error {
	head, err := s.Head(ctx)
	for from := eventstore.Seq(0); err == nil && from < head.Seq; from += listPage {
		err = s.nodeReaders.use(ctx, func(r *reader) error {
			return r.findNone(wrongPreviousQuery, int64(from), int64(from+listPage))
		})
	}
	if err == nil {
		err = s.nodeReaders.use(ctx, func(r *reader) error { return r.findNone(wrongNewestQuery) })
	}
	if err == nil {
		err = s.nodeReaders.use(ctx, func(r *reader) error { return r.inSnapshot(r.verifyListed) })
	}
	if err != nil {
		return fmt.Errorf("checking the lists of versions: %w", err)
	}
	return nil
}

// findNone returns an error about the seq that a query finds.
func (r *reader) findNone(query string, args ...any) error {
	seq, err := r.numberOnce(query, args...)
	if err == nil && seq != 0 {
		err = notInList(eventstore.Seq(seq))
	}
	return err
}

// verifyListed checks that as many events are in lists as the history has.
func (r *reader) verifyListed() error {
	head, err := r.readHead()
	if err != nil {
		return err
	}
	listed, err := r.numberOnce(listedQuery)
	if err == nil && listed != int64(head.Seq) {
		err = &eventstore.ChainError{Seq: head.Seq, Problem: fmt.Sprintf("the lists of versions lead to %d of the events up to it", listed)}
	}
	return err
}

// numberOnce is queryNumber for a query that is not prepared.
func (r *reader) numberOnce(text string, args ...any) (int64, error) {
	s, err := r.prepare(text)
	if err != nil {
		return 0, err
	}
	defer r.finalize(s)
	return r.numberOf(s, args)
}
