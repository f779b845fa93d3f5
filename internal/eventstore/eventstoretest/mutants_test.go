package eventstoretest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

func headOf(r eventstore.Record) eventstore.Head {
	return eventstore.Head{Seq: r.Seq, Hash: r.Hash, RecordedAt: r.RecordedAt}
}

// dawdle lets other goroutines go ahead: it returns when the store no longer has the given head,
// and after 5 ms at the latest. A mutant that waits for a fixed number of turns would not be found
// on a busy machine.
func dawdle(ctx context.Context, s *memory.Store, head eventstore.Head) {
	for end := time.Now().Add(5 * time.Millisecond); time.Now().Before(end); runtime.Gosched() {
		if now, err := s.Head(ctx); err != nil || now.Hash != head.Hash {
			return
		}
	}
}

// selectThenInsert compares the head, and later inserts after whatever the head is then.
type selectThenInsert struct{ *memory.Store }

func (s selectThenInsert) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	if head.Hash != expected.Hash {
		return eventstore.ErrHeadMoved
	}
	dawdle(ctx, s.Store, head)
	for err = eventstore.ErrHeadMoved; err == eventstore.ErrHeadMoved; {
		if head, err = s.Head(ctx); err != nil {
			return err
		}
		moved := slices.Clone(records)
		for i := range moved {
			moved[i].Seq = head.Seq + eventstore.Seq(i+1)
		}
		err = s.Store.Append(ctx, head, moved)
	}
	return err
}

// sequence hides every other append at first, as when a transaction with a lower number of a
// sequence commits after one with a higher number. The next read misses it.
type sequence struct {
	*memory.Store
	mu      sync.Mutex
	appends int
	hidden  map[eventstore.AppendID]bool
}

func (s *sequence) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Append(ctx, expected, records, receipts...)
	if err == nil {
		s.appends++
		s.hidden[records[0].AppendID] = s.appends%2 == 1
	}
	return err
}

func (s *sequence) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer clear(s.hidden)
	records, err := s.Store.Read(ctx, after, limit)
	return slices.DeleteFunc(records, func(r eventstore.Record) bool { return s.hidden[r.AppendID] }), err
}

// recordByRecord writes the records of an append one after the other.
type recordByRecord struct{ *memory.Store }

func (s recordByRecord) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	for i := range records {
		if err := s.Store.Append(ctx, expected, records[i:i+1], receipts...); err != nil {
			return err
		}
		expected = headOf(records[i])
		dawdle(ctx, s.Store, expected)
	}
	return nil
}

// headAhead returns a head before its records can be read, until a read has been misled.
type headAhead struct {
	*memory.Store
	mu    sync.Mutex
	next  eventstore.Head
	reads int
}

func (s *headAhead) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	start := s.show(headOf(records[len(records)-1]))
	for ctx.Err() == nil && s.readsSoFar() < start+2 {
		runtime.Gosched()
	}
	err := s.Store.Append(ctx, expected, records, receipts...)
	s.show(eventstore.Head{})
	return err
}

func (s *headAhead) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.Store.Read(ctx, after, limit)
}

func (s *headAhead) Head(ctx context.Context) (eventstore.Head, error) {
	head, err := s.Store.Head(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next.Seq > head.Seq {
		head = s.next
	}
	return head, err
}

func (s *headAhead) show(next eventstore.Head) (readsSoFar int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = next
	return s.reads
}

func (s *headAhead) readsSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// anyHash compares the seq of the head but not its hash.
type anyHash struct{ *memory.Store }

func (s anyHash) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	if head.Seq == expected.Seq {
		expected = head
	}
	return s.Store.Append(ctx, expected, records, receipts...)
}

// changed returns records that differ slightly from what was written.
type changed struct {
	*memory.Store
	change func(*eventstore.Record)
}

func changing(change func(*eventstore.Record)) func(*memory.Store) eventstore.Store {
	return func(s *memory.Store) eventstore.Store { return changed{s, change} }
}

func (s changed) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.Read(ctx, after, limit)
	for i := range records {
		s.change(&records[i])
	}
	return records, err
}

func cutTimes(unit time.Duration) func(*eventstore.Record) {
	return func(r *eventstore.Record) { r.RecordedAt = r.RecordedAt.Truncate(unit) }
}

func moveTimes(r *eventstore.Record) { r.RecordedAt = r.RecordedAt.In(time.FixedZone("", 3600)) }

func fillNulls(r *eventstore.Record) {
	if r.Reason == nil {
		r.Reason = new(string)
	}
}

func compactData(r *eventstore.Record) {
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(r.Data)) == nil {
		r.Data = compact.String()
	}
}

// knownTypes skips records of unknown types.
type knownTypes struct{ *memory.Store }

func (s knownTypes) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.Read(ctx, after, limit)
	return slices.DeleteFunc(records, func(r eventstore.Record) bool { return r.SchemaVersion > 1 }), err
}

// exclusiveAsOf reads before a seq instead of at or before it.
type exclusiveAsOf struct{ *memory.Store }

func (s exclusiveAsOf) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	q.At--
	return s.Store.ReadAsOf(ctx, basis, q, limit)
}

// shortAsOf searches only the newest 100 versions of a name.
type shortAsOf struct{ *memory.Store }

func (s shortAsOf) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	newest, err := s.Store.ReadAsOf(ctx, basis, eventstore.AsOf{At: math.MaxInt64, Names: q.Names}, eventstore.Limit{})
	if err != nil {
		return nil, err
	}
	found, err := s.Store.ReadAsOf(ctx, basis, q, limit)
	return slices.DeleteFunc(found, func(r eventstore.Record) bool {
		i := slices.IndexFunc(newest, func(n eventstore.Record) bool { return n.Name == r.Name })
		return r.Version <= newest[i].Version-100
	}), err
}

// dictionary sorts names as a dictionary does.
type dictionary struct{ *memory.Store }

func (s dictionary) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	found, err := s.Store.ReadAsOf(ctx, basis, q, limit)
	slices.SortStableFunc(found, func(a, b eventstore.Record) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return found, err
}

// noCase treats names that differ only by case as the same.
type noCase struct{ *memory.Store }

func (s noCase) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	records = slices.Clone(records)
	for i := range records {
		records[i].Name = strings.ToLower(records[i].Name)
	}
	return s.Store.Append(ctx, expected, records, receipts...)
}

// endlessPages ignores the bytes of its limit.
type endlessPages struct{ *memory.Store }

func (s endlessPages) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit.Bytes = math.MaxInt
	return s.Store.Read(ctx, after, limit)
}

// endlessAsOf is endlessPages for ReadAsOf.
type endlessAsOf struct{ *memory.Store }

func (s endlessAsOf) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit.Bytes = math.MaxInt
	return s.Store.ReadAsOf(ctx, basis, q, limit)
}

// defaultPages fills each page up to 8 MiB, whatever its limit is.
type defaultPages struct{ *memory.Store }

func (s defaultPages) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit.Bytes = 0
	return s.Store.ReadConfig(ctx, basis, name, after, limit)
}

// emptyPages returns an empty page instead of a record that is larger than a page.
type emptyPages struct{ *memory.Store }

func (s emptyPages) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	page, err := s.Store.Read(ctx, after, limit)
	if len(page) > 0 && len(page[0].Data) > limit.WithDefaults().Bytes {
		return nil, err
	}
	return page, err
}

// oneTooMany returns one record more than its limit.
type oneTooMany struct{ *memory.Store }

func (s oneTooMany) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	limit.Records++
	return s.Store.Read(ctx, after, limit)
}

// ascending reads back in the wrong direction.
type ascending struct{ *memory.Store }

func (s ascending) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadConfig(ctx, basis, name, 0, limit)
	return slices.DeleteFunc(records, func(r eventstore.Record) bool { return r.Version >= before }), err
}

// rounding rounds instants, as a database may do.
type rounding struct{ *memory.Store }

func (s rounding) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
	return s.Store.ReadInstant(ctx, basis, instant.Round(time.Microsecond))
}

// dataAnyway returns data although NoData is set.
type dataAnyway struct{ *memory.Store }

func (s dataAnyway) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	q.NoData = false
	return s.Store.ReadAsOf(ctx, basis, q, limit)
}

// calledFailed returns ErrNotWritten although it has written.
type calledFailed struct{ *memory.Store }

func (s calledFailed) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	err := s.Store.Append(context.WithoutCancel(ctx), expected, records, receipts...)
	if err == nil && ctx.Err() != nil {
		return eventstore.ErrNotWritten
	}
	return err
}

// deaf ignores the end of its context.
type deaf struct{ *memory.Store }

func (s deaf) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.Read(context.WithoutCancel(ctx), after, limit)
}
