package writer

import (
	"crypto/rand"
	"slices"
	"time"

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
	last   lastValues       // of configs that are deleted, also by the batch itself
	now    func() time.Time
	id     eventstore.AppendID

	from, tip eventstore.Head // before the first record, and after the last
	chain     eventstore.Chain
	pending   map[config.Name]*projection.Config // :: name → state after the batch's own events
	records   []eventstore.Record
	bytes     int // of the data of the records, and of the values before them
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
// ends early when the batch is full, or before a restore whose last value was not read. How many
// bytes an event has is known only then: a request of a few bytes may restore a large value.
func decide(view *projection.View, requests []*request, found receipts, last lastValues, opts *Options) *batch {
	n := len(requests)
	b := &batch{
		view: view, found: found, last: last, now: opts.Now, id: newAppendID(),
		from: view.Head(), tip: view.Head(),
		pending:   make(map[config.Name]*projection.Config, n),
		records:   make([]eventstore.Record, 0, n),
		revisions: make([]*eventstore.Revision, 0, n),
		results:   make([]result, 0, n),
	}
	for _, r := range requests {
		if b.bytes >= opts.BatchBytes || b.lacksLastValue(r) {
			break
		}
		b.results = append(b.results, b.decide(r))
	}
	return b
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
func (b *batch) decide(r *request) result {
	earlier, known := b.found[r.key]
	first, repeated := b.keyed[r.key]
	switch {
	case known && earlier.RequestHash != r.hash, repeated && first.hash != r.hash:
		return result{err: b.mismatch(r)}
	case known:
		receipt := earlier // a copy, so that the receipt of other requests stays on the stack
		return result{receipt: &receipt}
	case repeated:
		return result{outcome: first.outcome}
	}
	outcome, err := b.carryOut(r)
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
// the request's config, or with its conditions, takes precedence over what is wrong with its key.
func (b *batch) mismatch(r *request) error {
	name := r.cmd.Target()
	present := b.state(name)
	_, _, err := b.aggregate(name, present).Decide(r.cmd, b.nextTime())
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Deleted, fault.VersionConflict:
		return &fault.Refusal{Reason: err, Current: present}
	}
	return fault.ErrIdempotencyMismatch
}

// carryOut decides a request on the present state, and adds its event, if any, to the batch.
func (b *batch) carryOut(r *request) (Outcome, error) {
	name := r.cmd.Target()
	before := b.state(name)
	event, changes, err := b.aggregate(name, before).Decide(r.cmd, b.nextTime())
	switch {
	case err != nil:
		return Outcome{}, &fault.Refusal{Reason: err, Current: before}
	case !changes:
		return Outcome{Config: before, Position: b.tip.Position()}, nil
	}
	after, err := before.Next(b.seal(withOwnTexts(event, before), r))
	if err != nil {
		return Outcome{}, err
	}
	b.pending[after.Name] = after
	if !after.Exists() {
		b.last[after.Position()] = event.OldValue
	}
	return Outcome{Config: after, Changed: true, Position: after.Position()}, nil
}

// withOwnTexts returns an event whose new texts have memory of their own. A name or a value of a
// command may be a part of a whole HTTP request, which the feed would keep in memory with the
// event.
func withOwnTexts(e config.Event, before *projection.Config) config.Event {
	if before != nil {
		e.Name = before.Name
	} else {
		e.Name = e.Name.Clone()
	}
	e.Value = e.Value.Clone()
	return e
}

// seal adds an event behind the batch's others.
func (b *batch) seal(e config.Event, r *request) *eventstore.Revision {
	stored := config.Encode(e)
	b.records = append(b.records, eventstore.Record{
		Name: e.Name.String(), Version: int(e.Version),
		Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
		Actor: r.caller.Actor(), Reason: reason(r.cmd), RecordedAt: e.At,
	})
	b.bytes += len(stored.Data) + len(e.OldValue.String())
	record := &b.records[len(b.records)-1]
	b.tip = b.chain.Seal(b.tip, b.id, b.records[len(b.records)-1:])
	revision := eventstore.NewRevision(record, e)
	b.revisions = append(b.revisions, revision)
	return revision
}

func reason(cmd config.Command) *string {
	text := cmd.Why().Clone().String()
	if text == "" {
		return nil
	}
	return &text
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
	now := b.now().UTC().Truncate(time.Microsecond)
	if earliest := b.tip.RecordedAt.Add(time.Microsecond); now.Before(earliest) {
		return earliest
	}
	return now
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
		a.Value = b.last[c.Position()]
	}
	return a
}
