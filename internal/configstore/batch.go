package configstore

import (
	"slices"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// batch is what follows from commands that were judged together: the records of one append, each sealed behind the one
// before, the receipts of those that have a key, and an answer for each command.
type batch struct {
	view  *projection.View
	known receipts   // of before
	asked asked      // when they were looked up
	last  lastValues // of configs that are deleted, also by the batch itself
	now   func() time.Time
	id    eventstore.AppendID

	from, tip eventstore.Head // where the records begin, and where they lead
	chain     eventstore.Chain
	overlay   map[config.Name]*projection.Config // :: name → state after the batch's own events
	records   []eventstore.Record
	bytes     int // of the data of the records
	revisions []*eventstore.Revision
	receipts  []eventstore.Receipt
	keyed     map[eventstore.Key]keyed // :: key → what its first request in the batch came to
	answers   []answer                 // of the requests that were judged
}

// receipts are those that were found of the keys of some requests.
type receipts map[eventstore.Key]eventstore.Receipt

// keyed is what a request with a key came to.
type keyed struct {
	hash    [32]byte
	outcome Outcome
}

// decide judges requests in their order, each on the state that the ones before it lead to. It ends
// early when the batch is full, or at a restore of a value that was not read. What an event weighs
// is known only then: one of a few bytes may hold an old value of many.
func decide(view *projection.View, requests []*request, known receipts, last lastValues, opts *Options) *batch {
	n := len(requests)
	b := &batch{
		view: view, known: known, last: last, now: opts.Now, id: newAppendID(),
		from: view.Head(), tip: view.Head(),
		overlay:   make(map[config.Name]*projection.Config, n),
		records:   make([]eventstore.Record, 0, n),
		revisions: make([]*eventstore.Revision, 0, n),
		answers:   make([]answer, 0, n),
	}
	for _, r := range requests {
		if b.bytes >= opts.BatchBytes || b.lacksValue(r) {
			break
		}
		b.answers = append(b.answers, b.judge(r))
	}
	return b
}

// refuseAll returns a batch of nothing, for requests that are all to be answered with one error.
func refuseAll(requests []*request) *batch { return &batch{answers: make([]answer, len(requests))} }

// isEmpty reports whether there is nothing to append.
func (b *batch) isEmpty() bool { return len(b.records)+len(b.receipts) == 0 }

// acknowledges reports whether any request is to hear that all is as it asked for. That is more
// than to be refused: the one who asked need not come back.
func (b *batch) acknowledges() bool {
	return slices.ContainsFunc(b.answers, func(a answer) bool { return a.err == nil })
}

// answer gives each request that was judged its answer, or err to all of them. It returns those that were not.
func (b *batch) answer(requests []*request, err error) (left []*request) {
	for i, a := range b.answers {
		if err != nil {
			a = answer{err: err}
		}
		requests[i].done <- a
	}
	return requests[len(b.answers):]
}

// judge answers a request: with what it came to before if it has a key that is known, else with what it comes to now.
func (b *batch) judge(r *request) answer {
	before, known := b.known[r.key]
	first, twice := b.keyed[r.key]
	switch {
	case known && before.RequestHash != r.hash, twice && first.hash != r.hash:
		return answer{err: b.mismatch(r)}
	case known:
		receipt := before // which leaves the one of requests without a key on the stack
		return answer{receipt: &receipt}
	case twice:
		return answer{outcome: first.outcome}
	}
	outcome, err := b.carryOut(r)
	if err == nil && r.hasKey() {
		b.keep(r, outcome)
	}
	return answer{outcome: outcome, err: err}
}

// mismatch returns what a request with the key of another one is refused with. What is wrong with
// its config, or with what it expects of it, goes before what is wrong with its key.
func (b *batch) mismatch(r *request) error {
	name := r.cmd.Target()
	present := b.state(name)
	_, _, err := b.aggregate(name, present).Decide(r.cmd, b.time())
	switch KindOf(err) {
	case NotFound, Deleted, VersionConflict:
		return refusal(err, present)
	}
	return ErrIdempotencyMismatch
}

// keep makes the receipt of a request that came to something. A refusal is not kept: the same request may be fine later.
func (b *batch) keep(r *request, outcome Outcome) {
	receipt := eventstore.Receipt{Key: r.key, RequestHash: r.hash, First: outcome.Position.Seq,
		CreatedAt: b.now().UTC().Truncate(time.Microsecond)} // not after the head, which may be far ahead
	if outcome.Changed {
		receipt.EventCount = 1
	}
	b.receipts = append(b.receipts, receipt)
	if b.keyed == nil {
		b.keyed = make(map[eventstore.Key]keyed)
	}
	b.keyed[r.key] = keyed{r.hash, outcome}
}

func (b *batch) carryOut(r *request) (Outcome, error) {
	name := r.cmd.Target()
	before := b.state(name)
	event, changes, err := b.aggregate(name, before).Decide(r.cmd, b.time())
	switch {
	case err != nil:
		return Outcome{}, refusal(err, before)
	case !changes:
		return Outcome{Config: before, Position: b.tip.Position()}, nil
	}
	after, err := before.Next(b.add(own(event, before), r))
	if err != nil {
		return Outcome{}, err
	}
	b.overlay[after.Name] = after
	if !after.Exists() {
		b.last[after.Position()] = event.OldValue
	}
	return Outcome{Config: after, Changed: true, Position: after.Position()}, nil
}

// own returns an event whose new texts have memory of their own. A name or a value of a command may
// be a part of a whole request, which the feed would keep in memory with the event.
func own(e config.Event, before *projection.Config) config.Event {
	if before != nil {
		e.Name = before.Name
	} else {
		e.Name = e.Name.Clone()
	}
	e.Value = e.Value.Clone()
	return e
}

// add seals the event behind the batch's others.
func (b *batch) add(e config.Event, r *request) *eventstore.Revision {
	stored := config.Encode(e)
	b.records = append(b.records, eventstore.Record{
		Name: e.Name.String(), Version: int(e.Version),
		Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
		Actor: r.caller.Actor(), Reason: reason(r.cmd), RecordedAt: e.At,
	})
	b.bytes += len(stored.Data)
	record := &b.records[len(b.records)-1]
	b.tip = b.chain.Seal(b.tip, b.id, b.records[len(b.records)-1:])
	revision := eventstore.NewRevision(record, e)
	b.revisions = append(b.revisions, revision)
	return revision
}

// state is that of a name after the batch's events so far, nil when nothing happened to the name.
func (b *batch) state(name config.Name) *projection.Config {
	if c, changed := b.overlay[name]; changed {
		return c
	}
	return b.view.Get(name)
}

// time is the present, but always after the event before.
func (b *batch) time() time.Time {
	now := b.now().UTC().Truncate(time.Microsecond)
	if earliest := b.tip.RecordedAt.Add(time.Microsecond); now.Before(earliest) {
		return earliest
	}
	return now
}

// aggregate returns the state c of a name as the domain judges commands on it; c is nil when
// nothing happened to the name.
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

func refusal(reason error, present *projection.Config) error {
	return &Refusal{Reason: reason, Current: present}
}

func reason(cmd config.Command) *string {
	text := cmd.Why().Clone().String()
	if text == "" {
		return nil
	}
	return &text
}
