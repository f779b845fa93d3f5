// Package memory keeps a history in the memory of one process: for tests, and for servers that need
// not keep it.
//
// It keeps all laws of [eventstore.Store] but the fourth: the history ends with the process. Its
// reads are so short that none waits for another in a queue, so no error wraps
// [eventstore.ErrBusy].
package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

var _ eventstore.Store = (*Store)(nil)

// Store is one history. All users of the history share one Store. It is safe for concurrent use.
type Store struct {
	mu      sync.Mutex // guards all below
	head    eventstore.Head
	records []eventstore.Record // only appended to, so slices of it stay valid
	byName  map[string][]entry  // :: config name → its records, by version
	grown   chan struct{}       // closed, and replaced, by an append

	key      eventstore.StoreKey
	receipts map[eventstore.Key]eventstore.Receipt
	byAge    []eventstore.Key // keys of the receipts, the oldest first

	uses map[string]time.Time // :: public id of a secret → when it was used last

	restoring eventstore.Head // see RestoreTarget
}

// entry is the index in records of the record with a version.
type entry struct{ version, index int }

// New returns a store with an empty history.
func New() *Store {
	s := &Store{
		byName:   make(map[string][]entry),
		grown:    make(chan struct{}),
		receipts: make(map[eventstore.Key]eventstore.Receipt),
		uses:     make(map[string]time.Time),
	}
	_, _ = rand.Read(s.key[:]) // never fails: crypto/rand ends the program first
	return s
}

// Head returns the seq, hash and time of the newest record.
func (s *Store) Head(ctx context.Context) (eventstore.Head, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Head{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, nil
}

// DurableHead returns the same as Head: here no record is safer than another.
func (s *Store) DurableHead(ctx context.Context) (eventstore.Head, error) { return s.Head(ctx) }

// Append writes records and receipts together.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if err := ctx.Err(); err != nil {
		return notWritten(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(expected, records, receipts)
}

// AppendLocked appends what decide returns while no other append can run.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	if err := ctx.Err(); err != nil {
		return notWritten(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	missed := s.page(after, eventstore.MissedLimit())
	if after+eventstore.Seq(len(missed)) != s.head.Seq {
		return eventstore.ErrHeadMoved
	}
	records, receipts, err := decide(s.head, missed)
	switch {
	case err != nil:
		return notWritten(err)
	case len(records)+len(receipts) == 0:
		return nil
	}
	return s.append(s.head, records, receipts)
}

func notWritten(err error) error {
	return fmt.Errorf("appending: %w: %w", eventstore.ErrNotWritten, err)
}

func (s *Store) append(expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	if !s.head.Same(expected) {
		return eventstore.ErrHeadMoved
	}
	for _, r := range receipts {
		if _, taken := s.receipts[r.Key]; taken {
			return eventstore.ErrKeyTaken
		}
	}
	if err := s.index(records); err != nil {
		return notWritten(err)
	}
	s.keep(receipts)
	if len(records) == 0 {
		return nil
	}
	s.records = append(s.records, records...)
	s.head = eventstore.HeadOf(&records[len(records)-1])
	close(s.grown)
	s.grown = make(chan struct{})
	return nil
}

// Wait returns when there are records after a seq. All writers are in this process, so it never
// returns without any.
func (s *Store) Wait(ctx context.Context, after eventstore.Seq) error {
	for {
		s.mu.Lock()
		behind, grown := s.head.Seq > after, s.grown
		s.mu.Unlock()
		if err := ctx.Err(); err != nil || behind {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
		}
	}
}

// index adds records that are about to be appended to byName, all or none. The error names a
// version that its config already has.
func (s *Store) index(records []eventstore.Record) error {
	for i := range records {
		r := &records[i]
		at, taken := s.find(r.Name, r.Version)
		if taken {
			s.unindex(records[:i])
			return fmt.Errorf("config %q has a version %d already", r.Name, r.Version)
		}
		s.byName[r.Name] = slices.Insert(s.byName[r.Name], at, entry{r.Version, len(s.records) + i})
	}
	return nil
}

func (s *Store) unindex(records []eventstore.Record) {
	for i := range records {
		at, _ := s.find(records[i].Name, records[i].Version)
		s.byName[records[i].Name] = slices.Delete(s.byName[records[i].Name], at, at+1)
	}
}

// find returns the index of a version among the entries of its name, or where it would be.
func (s *Store) find(name string, version int) (at int, found bool) {
	return slices.BinarySearchFunc(s.byName[name], version, func(e entry, v int) int { return cmp.Compare(e.version, v) })
}

// Replace replaces the head and all records, whether or not they fit together, like a restored
// backup or an edited database. Only tests use it. Receipts stay. If two records of a name have the
// same version, it returns an error and replaces nothing.
func (s *Store) Replace(head eventstore.Head, records []eventstore.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	present, byName := s.records, s.byName
	s.records, s.byName = nil, make(map[string][]entry)
	if err := s.index(records); err != nil {
		s.records, s.byName = present, byName
		return err
	}
	s.head, s.records = head, slices.Clone(records)
	close(s.grown)
	s.grown = make(chan struct{})
	return nil
}
