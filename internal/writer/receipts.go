package writer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"configapi/internal/clock"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// KeyRetention is how long the outcome of a change set with an idempotency key is kept at least, by
// the clock of the node that is furthest ahead: a day, and an hour for clocks that differ.
const KeyRetention = 25 * time.Hour

// receipts are those that were found of the keys of some requests.
type receipts map[eventstore.Key]eventstore.Receipt

// lookup is a search for receipts: after this head was applied, and for the first requests of a
// batch alone.
type lookup struct {
	head     eventstore.Head
	requests int
}

// covers reports whether the lookup would have found a receipt that the request at an index had
// when the history had a head.
func (l lookup) covers(index int, head eventstore.Head) bool {
	return index < l.requests && l.head.Same(head)
}

// findReceipts looks up the keys of all requests at once.
func findReceipts(events *monitoredStore, requests []*request) (receipts, error) {
	var keys []eventstore.Key
	found := make(receipts)
	for _, r := range requests {
		if _, repeated := found[r.key]; r.hasKey() && !repeated {
			found[r.key] = eventstore.Receipt{}
			keys = append(keys, r.key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	ctx, cancel := events.context()
	defer cancel()
	read, err := events.ReadReceipts(ctx, keys)
	if err != nil {
		return nil, fault.NotWritten(err)
	}
	clear(found)
	for _, receipt := range read {
		found[receipt.Key] = receipt
	}
	return found, nil
}

// recheckRefused looks again for the receipts of requests that were refused, or that ask for an
// earlier outcome and found none. Another node may have carried out the same request after its key
// was looked up and before it was decided here. Then the refusal only shows what that has changed,
// such as the version, and the caller must get the first outcome.
func (b *batch) recheckRefused(events *monitoredStore, requests []*request) {
	indexes := make(map[*request]int) // :: request → index of its result
	var refused []*request
	for i, result := range b.results {
		r := requests[i]
		if (result.err != nil && fault.KindOf(result.err) != fault.Denied || r.recall) && r.hasKey() && !b.isRepeated(r) && !b.lookup.covers(i, b.from) {
			indexes[r] = i
			refused = append(refused, r)
		}
	}
	if len(refused) == 0 {
		return
	}
	found, err := findReceipts(events, refused)
	if err != nil {
		err = fault.OutcomeUnknown(err) // an earlier try of the request may have been carried out
	}
	if err == nil && len(found) > 0 { // found, but perhaps not durable yet
		_, err = events.durableHead()
	}
	for _, r := range refused {
		receipt, is := found[r.key]
		switch {
		case err != nil:
			b.results[indexes[r]].err = err
		// A receipt from after the refusal says nothing about it.
		case is && receipt.RequestHash == r.hash && receipt.First <= b.from.Seq:
			earlier := &b.results[indexes[r]]
			earlier.receipt, earlier.err = &receipt, nil
		}
	}
}

// addReceipt adds the receipt of a request that succeeded. A refusal leaves none: the same request
// may succeed later.
func (b *batch) addReceipt(r *request, outcome Outcome) {
	receipt := eventstore.Receipt{
		Key: r.key, RequestHash: r.hash, First: outcome.Position.Seq,
		EventCount: len(outcome.Revisions), Unchanged: textsOf(outcome.Unchanged),
		// The event's time may be far ahead.
		CreatedAt: b.opts.Now().UTC().Truncate(time.Microsecond),
	}
	if receipt.EventCount > 0 {
		receipt.First = outcome.Revisions[0].Seq
	}
	b.receipts = append(b.receipts, receipt)
	if b.keyed == nil {
		b.keyed = make(map[eventstore.Key]keyed)
	}
	b.keyed[r.key] = keyed{r.hash, outcome}
}

// receiptOf returns the receipt of a key that the batch itself adds.
func (b *batch) receiptOf(key eventstore.Key) eventstore.Receipt {
	i := slices.IndexFunc(b.receipts, func(r eventstore.Receipt) bool { return r.Key == key })
	return b.receipts[i]
}

func textsOf(names []config.Name) []string {
	if len(names) == 0 {
		return nil
	}
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.String()
	}
	return texts
}

const (
	// pruneInterval is about how often old receipts are removed.
	pruneInterval = 10 * time.Minute
	// pruneStep is how many receipts are removed at once. It bounds how long appends wait for that,
	// where they have to.
	pruneStep = 500
)

// PruneReceipts removes receipts older than [KeyRetention] about every 10 minutes until ctx ends.
// Every node does so: receipts that one node has removed are not there for the others. A clock that
// is known to be ahead removes nothing too early.
func PruneReceipts(ctx context.Context, events eventstore.Store, clock *clock.Clock, log *slog.Logger) {
	for {
		select {
		case <-time.After(pruneInterval/2 + rand.N(pruneInterval)):
		case <-ctx.Done():
			return
		}
		if err := pruneOnce(ctx, events, clock); err != nil && ctx.Err() == nil {
			log.Warn("old idempotency keys were not removed; trying again later", "error", err)
		}
	}
}

func pruneOnce(ctx context.Context, events eventstore.Store, clock *clock.Clock) error {
	before := clock.NotAhead().Add(-KeyRetention)
	for {
		n, err := events.PruneReceipts(ctx, before, pruneStep)
		if err != nil || n < pruneStep {
			return err
		}
	}
}

// signHash replaces the hash of a request with a key by its HMAC under the key of the store. A bare
// hash would show to readers of the table, by guessing, which value was asked for.
func (w *Writer) signHash(ctx context.Context, r *request) error {
	if !r.hasKey() {
		return nil
	}
	key := w.storeKey.Load()
	if key == nil {
		ctx, cancel := context.WithTimeout(ctx, w.opts.AppendTimeout)
		defer cancel()
		read, err := w.events.Key(ctx)
		if err != nil {
			return fault.NotWritten(err)
		}
		key = &read
		w.storeKey.Store(key)
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write(r.hash[:])
	mac.Sum(r.hash[:0])
	return nil
}
