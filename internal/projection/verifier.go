package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// VerifierSource is the part of an event store that a verifier uses: it reads as users do.
type VerifierSource interface {
	ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
}

// VerifiedKeeper keeps how far a history was verified, so that the next start need not begin with
// the first record. It is no part of the history: what it keeps may be lost, and may be of another
// history.
type VerifiedKeeper interface {
	// ReadVerified returns the head that was kept last, or the zero Head.
	ReadVerified(ctx context.Context) (eventstore.Head, error)
	// KeepVerified keeps a head.
	KeepVerified(ctx context.Context, head eventstore.Head) error
}

// Stretch is a part of a history: the records after From up to To. The zero Stretch is empty.
type Stretch struct{ From, To eventstore.Head }

func (s Stretch) empty() bool { return s.From.Seq >= s.To.Seq }

// VerifierOptions are the settings of a [Verifier].
type VerifierOptions struct {
	// Keeper keeps the verified head. nil: nothing is kept, and each start verifies everything.
	Keeper VerifiedKeeper
	// Codec decodes the events. The zero Codec knows those of configs alone.
	Codec config.Codec
	// IsErased reports whether an event after those that are to be verified says that it erases the
	// one at a seq. nil: none does.
	IsErased func(eventstore.Seq) bool
	// Log gets a line when the history is verified, and when that is held up. nil means that
	// nothing is logged.
	Log *slog.Logger
}

const (
	// verifyRecords and verifyBytes bound a page of a verifier. A page takes milliseconds, so the
	// reads of users that wait for it are not delayed by more.
	verifyRecords, verifyBytes = 500, 1 << 20
	// verifyRest is how many times as long as for a page a verifier rests after it.
	verifyRest = 4
	// keepInterval is how often a head is kept.
	keepInterval = 30 * time.Second
	// verifyRetry is the pause after a read that has failed.
	verifyRetry = time.Second
)

// Verifier verifies the records that a start has not read, while the node works. It reads page by
// page with pauses, so it delays nobody. Make it with [NewVerifier]; it is safe for concurrent use.
type Verifier struct {
	source  VerifierSource
	applied func() eventstore.Head
	opts    VerifierOptions

	rest atomic.Pointer[Stretch] // what is not verified

	// Used by Run alone:
	kept   eventstore.Head // the head that was kept last
	due    time.Time       // when to keep the next one
	failed bool            // the last attempt
}

// NewVerifier returns a verifier of a history of which records up to applied() are applied.
func NewVerifier(source VerifierSource, applied func() eventstore.Head, opts VerifierOptions) *Verifier {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{source: source, applied: applied, opts: opts}
	v.rest.Store(new(Stretch))
	return v
}

// Begin sets what [Verifier.Run] must verify: all records before the stretch are verified, and
// those after it are as they are applied. It must not be called after Run. At first nothing is to
// verify.
func (v *Verifier) Begin(rest Stretch) { v.rest.Store(&rest) }

// Rest returns what is not verified yet.
func (v *Verifier) Rest() Stretch { return *v.rest.Load() }

// Verified returns the head up to which all records are verified, from the first one on.
func (v *Verifier) Verified() eventstore.Head {
	if rest := v.Rest(); !rest.empty() {
		return rest.From
	}
	return v.applied()
}

// Run verifies what is to verify, from the kept head on if that is in it. Then it keeps the head
// from time to time, until ctx ends; Run then returns nil. It returns an error as soon as a record
// is not what it should be: a [*eventstore.ChainError], or one of decoding it.
func (v *Verifier) Run(ctx context.Context) error {
	v.due = time.Now().Add(keepInterval)
	if rest := v.Rest(); !rest.empty() {
		v.Begin(Stretch{v.resume(ctx, rest), rest.To})
		if err := v.verify(ctx); err != nil {
			return err
		}
		if v.Rest().empty() {
			v.opts.Log.Info("the history is verified", "position", rest.To.Position().String())
		}
	}
	for ctx.Err() == nil {
		v.keep(ctx)
		sleep(ctx, keepInterval)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	v.keep(last)
	return nil
}

// resume returns where to begin: at the kept head if the history has it, otherwise at the start of
// the stretch.
func (v *Verifier) resume(ctx context.Context, rest Stretch) eventstore.Head {
	if v.opts.Keeper == nil {
		return rest.From
	}
	kept, err := v.opts.Keeper.ReadVerified(ctx)
	if err != nil {
		v.opts.Log.Warn("how far the history was verified is not known; all of it is verified again", "error", err)
		return rest.From
	}
	applied := v.applied()
	if kept.Seq <= rest.From.Seq || kept.Seq > applied.Seq {
		return rest.From
	}
	for ctx.Err() == nil {
		records, err := v.source.ReadHistory(ctx, applied, kept.Seq-1, eventstore.Limit{Records: 1})
		if err != nil {
			sleep(ctx, verifyRetry)
			continue
		}
		if len(records) == 1 && records[0].Seq == kept.Seq && records[0].Hash == kept.Hash {
			return eventstore.HeadOf(&records[0])
		}
		break
	}
	return rest.From
}

// verify verifies the rest, page by page. A read that fails is tried again until ctx ends.
func (v *Verifier) verify(ctx context.Context) error {
	var chain eventstore.Chain
	var erasures eventstore.Erasures
	held := ""
	for rest := v.Rest(); !rest.empty() && ctx.Err() == nil; {
		began := time.Now()
		limit := eventstore.Limit{Records: min(verifyRecords, int(rest.To.Seq-rest.From.Seq)), Bytes: verifyBytes}
		records, err := v.source.ReadHistory(ctx, rest.To, rest.From.Seq, limit)
		var broken *eventstore.ChainError
		if err != nil && !errors.As(err, &broken) { // it is not that a record cannot even be read
			if ctx.Err() == nil && held != err.Error() {
				held = err.Error()
				v.opts.Log.Warn("the history cannot be verified now; trying again", "position", rest.From.Seq, "error", err)
			}
			sleep(ctx, verifyRetry)
			continue
		}
		if err == nil {
			rest.From, err = v.verifyPage(&chain, &erasures, rest.From, records)
		}
		if err == nil && rest.empty() {
			if v.opts.IsErased != nil {
				erasures.Explain(v.opts.IsErased)
			}
			err = erasures.Unexplained()
		}
		if err != nil {
			return fmt.Errorf("verifying the history: %w", err)
		}
		if erasures.Unexplained() == nil { // what comes after an erased event decides about it
			v.Begin(rest)
		}
		if time.Now().After(v.due) {
			v.keep(ctx)
		}
		sleep(ctx, verifyRest*time.Since(began))
	}
	return nil
}

// verifyPage checks that records follow a head, and that this program knows them.
func (v *Verifier) verifyPage(chain *eventstore.Chain, erasures *eventstore.Erasures, from eventstore.Head, records []eventstore.Record) (eventstore.Head, error) {
	if len(records) == 0 {
		return from, missing(from.Seq + 1)
	}
	to, err := chain.Verify(from, records)
	if err != nil {
		return to, err
	}
	revisions, err := eventstore.DecodeFacts(v.opts.Codec, records)
	if err == nil {
		err = erasures.Check(revisions)
	}
	if err == nil {
		erasures.Add(revisions)
	}
	return to, err
}

// keep keeps the verified head if it is another one than before.
func (v *Verifier) keep(ctx context.Context) {
	v.due = time.Now().Add(keepInterval)
	head := v.Verified()
	if v.opts.Keeper == nil || head.Seq == 0 || head.Same(v.kept) {
		return
	}
	err := v.opts.Keeper.KeepVerified(ctx, head)
	if err == nil {
		v.kept = head
	} else if !v.failed {
		v.opts.Log.Warn("how far the history is verified cannot be kept; the next start may verify more than it must", "error", err)
	}
	v.failed = err != nil
}
