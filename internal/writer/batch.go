package writer

import (
	"crypto/rand"
	"errors"
	"runtime"
	"slices"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// batch is what follows from requests that were decided together: the records of one append, each
// sealed behind the one before, the receipts of the requests that have a key, and a result for each
// request.
type batch struct {
	view   *projection.View // that the batch builds on
	found  receipts         // of earlier requests
	lookup lookup           // in which they were found
	last   LastValues       // of configs that are deleted, also by the batch itself
	opts   *Options
	id     eventstore.AppendID

	from, tip eventstore.Head                    // before the first record, and after the last
	chain     *eventstore.Chain                  // nil when nothing is to be appended
	pending   map[config.Name]*projection.Config // :: name → state after the sets before the newest
	newest    []change                           // of the newest set with events
	tokens    map[auth.TokenName]*auth.Token     // :: name → state after the batch's events
	records   []eventstore.Record
	bytes     int    // of the records, and of the values before them
	drafted   *draft // of the set that is being decided
	revisions []*eventstore.Revision
	receipts  []eventstore.Receipt
	keyed     map[eventstore.Key]keyed // :: key → outcome of the batch's first request with it
	results   []result                 // of the requests that were decided
}

// keyed is the outcome of a request with a key.
type keyed struct {
	hash    [32]byte
	outcome Outcome
}

// decide decides requests in their order, each on the state that the ones before it lead to. It
// ends early when the batch is full, or before a set with a restore whose last value was not read.
// How many bytes the events of a set have is known only then: a request of a few bytes may restore
// large values.
func (w *Writer) decide(view *projection.View, requests []*request, found receipts, last LastValues) *batch {
	b := newBatch(view, found, last, &w.opts, countChanges(requests), &w.drafted)
	b.chain = &w.chain
	defer w.drafted.release()
	b.results = make([]result, 0, len(requests))
	for _, r := range requests {
		if b.bytes >= w.opts.BatchBytes {
			break
		}
		result := b.decide(r)
		if errors.Is(result.err, errLacksValue) {
			break
		}
		b.results = append(b.results, result)
	}
	b.newest = nil // no set follows
	return b
}

// newBatch returns an empty batch, with space for so many events. It decides in the memory of
// drafted.
func newBatch(view *projection.View, found receipts, last LastValues, opts *Options, events int, drafted *draft) *batch {
	return &batch{
		view: view, found: found, last: last, drafted: drafted, opts: opts, id: newAppendID(),
		from: view.Head(), tip: view.Head(),
		records:   make([]eventstore.Record, 0, events),
		revisions: make([]*eventstore.Revision, 0, events),
	}
}

func newAppendID() (id eventstore.AppendID) {
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program first
	return id
}

// failAll returns a batch without events, for requests that are all answered with one error.
func failAll(requests []*request) *batch { return &batch{results: make([]result, len(requests))} }

// isEmpty reports whether there is nothing to append.
func (b *batch) isEmpty() bool { return len(b.records)+len(b.receipts) == 0 }

// acknowledges reports whether any request succeeds. A caller that is refused can rely
// on nothing; a caller that succeeds relies on its answer.
func (b *batch) acknowledges() bool {
	return slices.ContainsFunc(b.results, func(r result) bool { return r.err == nil })
}

// answer gives each decided request its result, or err to all of them. It returns the requests that
// were not decided.
func (b *batch) answer(requests []*request, err error) (left []*request) {
	for i, answer := range b.results {
		if err != nil {
			answer = result{err: err}
		}
		requests[i].done <- answer
	}
	return requests[len(b.results):]
}

// decide returns the result of a request: that of an earlier request with the same key if there is
// one, else that of the present state.
//
// The caller is authorised first: by what it may do now, not by what it could do when it asked.
func (b *batch) decide(r *request) result {
	grants := b.grants(r.caller)
	if r.token != nil {
		return b.decideToken(r, grants)
	}
	decided := b.decideAs(r, grants)
	decided.outcome.Grants = grants
	return decided
}

// decideAs is decide for a caller with certain grants.
func (b *batch) decideAs(r *request, grants *auth.Grants) result {
	if forbidden := Forbidden(grants, &r.set); len(forbidden) > 0 {
		return result{err: reject(forbidden, b.tip.Position())}
	}
	earlier, known := b.found[r.key]
	first, repeated := b.keyed[r.key]
	switch {
	case known && earlier.RequestHash != r.hash, repeated && first.hash != r.hash:
		return result{err: b.mismatch(r, grants)}
	case known:
		receipt := earlier // a copy, so that the receipt of other requests stays on the stack
		return result{receipt: &receipt}
	case repeated && r.recall:
		receipt := b.receiptOf(r.key)
		return result{receipt: &receipt}
	case repeated:
		return result{outcome: first.outcome}
	case r.recall: // there is no earlier request
		return result{}
	}
	outcome, err := b.carryOut(r, grants)
	if err == nil && r.hasKey() {
		b.addReceipt(r, outcome)
	}
	return result{outcome: outcome, err: err}
}

// isRepeated reports whether an earlier request with the same key has the result of this one.
func (b *batch) isRepeated(r *request) bool {
	_, known := b.found[r.key]
	_, repeated := b.keyed[r.key]
	return known || repeated
}

// mismatch returns the error of a request whose key was used for another one. What is wrong with
// the request's configs comes before what is wrong with its key.
func (b *batch) mismatch(r *request, grants *auth.Grants) error {
	failures := append(b.draftOf(r, grants).failures, fault.Failure{Change: -1, Field: "idempotencyKey", Err: fault.ErrIdempotencyMismatch})
	return reject(failures, b.tip.Position())
}

// errLacksValue says that a request cannot be decided in this batch: it restores a value that was
// not read. Another node has deleted the config since, or other values had to be read before. A
// batch that begins with the request has all of them, or so many that the set is refused.
var errLacksValue = errors.New("a value to restore was not read")

// carryOut decides a request on the present state, and adds its events, if any, to the batch: all
// of them, or none when a single change is refused.
func (b *batch) carryOut(r *request, grants *auth.Grants) (Outcome, error) {
	d := b.draftOf(r, grants)
	switch {
	case d.lacksValue && (len(d.failures) == 0 || len(b.results) > 0):
		return Outcome{}, errLacksValue
	case len(d.failures) > 0:
		return Outcome{}, reject(d.failures, b.tip.Position())
	}
	outcome := Outcome{Unchanged: d.unchanged, Position: b.tip.Position()}
	if len(d.changes) == 0 {
		if len(r.set.Changes) == 1 {
			outcome.Config = b.state(r.set.Changes[0].Command.Target())
		}
		return outcome, nil
	}
	var err error
	if outcome.Revisions, err = b.add(d.changes, r); err != nil {
		return Outcome{}, err
	}
	if len(r.set.Changes) == 1 {
		outcome.Config = d.changes[0].next()
	}
	outcome.Position = b.tip.Position()
	return outcome, nil
}

// yieldBytes is after how many bytes of a large set other goroutines get the processor. A goroutine
// that does not yield keeps it for 10 ms: see test/hostile.
const yieldBytes = 64 << 10

// add adds the events of a change set to the batch: all of them, or none on an error.
func (b *batch) add(changes []change, r *request) ([]*eventstore.Revision, error) {
	for i := range changes {
		if err := changes[i].before.CheckNext(changes[i].event); err != nil {
			return nil, err
		}
	}
	common := eventstore.Record{
		Actor: r.caller.Actor(), Reason: reasonOf(&r.set), Reverts: revertsOf(&r.set), ChangeSet: b.tip.Seq + eventstore.Seq(len(changes)),
	}
	first, made := len(b.revisions), make([]eventstore.Revision, len(changes))
	for i, yielded := 0, b.bytes; i < len(changes); i++ {
		e := withOwnName(changes[i].event, changes[i].before)
		e.At = b.after(e.At)
		b.seal(e, common, &made[i])
		changes[i].revision = &made[i]
		if b.bytes-yielded > yieldBytes {
			yielded = b.bytes
			runtime.Gosched()
		}
	}
	for i := range made {
		made[i].ChangeSet = b.tip.Position()
	}
	b.newest = changes
	return b.revisions[first:len(b.revisions):len(b.revisions)], nil
}

// settle makes the states that the newest set leads to pending, for the sets that follow it.
func (b *batch) settle() {
	if b.pending == nil && len(b.newest) > 0 {
		b.pending = make(map[config.Name]*projection.Config, len(b.newest))
	}
	for i := range b.newest {
		after := b.newest[i].next()
		b.pending[after.Name] = after
		if !after.Exists() {
			b.last[after.Position()] = LastValue{Value: b.newest[i].event.OldValue}
		}
	}
	b.newest = nil
}

// withOwnName returns an event whose name has memory of its own. A name or a value of a command
// may be a part of a whole HTTP request, which the feed would keep in memory with the event. The
// value gets its own memory in seal.
func withOwnName(e config.Event, before *projection.Config) config.Event {
	if before != nil {
		e.Name = before.Name
	} else {
		e.Name = e.Name.Clone()
	}
	return e
}

// seal adds an event behind the batch's others, as a record and as a revision, which it sets. The
// record has the fields of common that are not the event's.
func (b *batch) seal(e config.Event, common eventstore.Record, revision *eventstore.Revision) {
	stored := config.Encode(e)
	e.Value = stored.OwnValue(e.Value)
	b.records = append(b.records, common)
	record := &b.records[len(b.records)-1]
	record.Name, record.Version, record.RecordedAt = e.Name.String(), int(e.Version), e.At
	record.Type, record.SchemaVersion, record.Data = stored.Type, stored.SchemaVersion, stored.Data
	b.bytes += len(e.OldValue.String())
	b.sealLast()
	*revision = *eventstore.NewRevision(record, e)
	b.revisions = append(b.revisions, revision)
}

// sealLast makes the last record the tip, and returns it.
func (b *batch) sealLast() *eventstore.Record {
	record := &b.records[len(b.records)-1]
	b.bytes += len(record.Name) + len(record.Data)
	if record.Reason != nil {
		b.bytes += len(*record.Reason)
	}
	b.tip = b.chain.Seal(b.tip, b.id, b.records[len(b.records)-1:])
	return record
}

// reasonOf returns the reason of a set as records have it, in memory of its own.
func reasonOf(set *config.ChangeSet) *string {
	text := set.Reason.Clone().String()
	if text == "" {
		return nil
	}
	return &text
}

// revertsOf returns the change set that a set undoes, as records have it.
func revertsOf(set *config.ChangeSet) *eventstore.Position {
	if set.Reverts == nil {
		return nil
	}
	return &eventstore.Position{Seq: eventstore.Seq(set.Reverts.Seq), Prefix: set.Reverts.Hash}
}

// state returns the state of a name after the batch's events so far. It is nil when nothing ever
// happened to the name.
func (b *batch) state(name config.Name) *projection.Config {
	if c, changed := b.pending[name]; changed {
		return c
	}
	return b.view.Get(name)
}

// nextTime returns the time of the next event: the present, but always after the event before.
func (b *batch) nextTime() time.Time {
	return b.after(b.opts.Now().UTC().Truncate(time.Microsecond))
}

// after returns a time, or the earliest one after the event before if that is later.
func (b *batch) after(at time.Time) time.Time {
	if earliest := b.tip.RecordedAt.Add(time.Microsecond); at.Before(earliest) {
		return earliest
	}
	return at
}

// aggregate returns the state c of a name as the domain decides commands on it. c is nil when
// nothing ever happened to the name.
func (b *batch) aggregate(name config.Name, c *projection.Config) config.Aggregate {
	if c == nil {
		return config.Aggregate{Name: name}
	}
	a := c.Aggregate()
	a.Newest = config.RevisionID{Seq: int64(c.Seq), Hash: config.HashPrefix(c.Position().Prefix)}
	if a.Deleted {
		a.Value = b.last[c.Position()].Value
	}
	return a
}
