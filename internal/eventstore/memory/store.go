// Package memory keeps a history in the memory of one process: for tests, and for a server that may forget.
//
// It keeps all laws of [eventstore.Store] but the fourth: the history ends with the process.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"configapi/internal/eventstore"
)

var _ eventstore.Store = (*Store)(nil)

// Store is one history. Whoever is to share the history shares the Store: it is its own second handle.
type Store struct {
	mu      sync.Mutex // guards all below
	head    eventstore.Head
	records []eventstore.Record // only ever appended to: a slice of it that was handed out stays as it is
	byName  map[string][]entry  // :: config name → its records, by version
	grown   chan struct{}       // closed, and replaced, by an append

	receipts map[eventstore.Key]eventstore.Receipt
	byAge    []eventstore.Key // of the receipts, the oldest first
}

// entry says where in a history's records the one of a version is.
type entry struct{ version, place int }

// New returns an empty history.
func New() *Store {
	return &Store{
		byName:   make(map[string][]entry),
		grown:    make(chan struct{}),
		receipts: make(map[eventstore.Key]eventstore.Receipt),
	}
}

// Head returns the newest record's position, hash and time.
func (s *Store) Head(ctx context.Context) (eventstore.Head, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Head{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, nil
}

// DurableHead is Head: nothing here is safer than what can be read.
func (s *Store) DurableHead(ctx context.Context) (eventstore.Head, error) { return s.Head(ctx) }

// Append writes records and receipts as one.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if err := ctx.Err(); err != nil {
		return notWritten(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(expected, records, receipts)
}

// AppendLocked appends what the caller decides on while nobody else can append.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	if err := ctx.Err(); err != nil {
		return notWritten(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	missed := s.page(after, eventstore.Limit{Records: eventstore.MaxMissed})
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

// Wait returns once there are records after the position; it needs no tick, because whoever appends is in this process.
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

// index enters records that are about to be appended, all or none. A version that its config has already is an error.
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

// find returns where the version of a name is among its entries, or where it would be.
func (s *Store) find(name string, version int) (at int, found bool) {
	return slices.BinarySearchFunc(s.byName[name], version, func(e entry, v int) int { return cmp.Compare(e.version, v) })
}
