package projection_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// keeper keeps a head in memory.
type keeper struct {
	mu   sync.Mutex
	head eventstore.Head
	kept int // times
	err  error
}

func (k *keeper) ReadVerified(context.Context) (eventstore.Head, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.head, k.err
}

func (k *keeper) KeepVerified(ctx context.Context, head eventstore.Head) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.head = head
		k.kept++
	}
	return cmp.Or(k.err, ctx.Err())
}

// verifying is a verifier that runs in a synctest bubble, and what it reads.
type verifying struct {
	*projection.Verifier
	read  func(records []eventstore.Record) ([]eventstore.Record, error) // changes what is read; nil: nothing
	reads []eventstore.Seq                                               // after which seqs
	end   chan error
	stop  context.CancelFunc
	log   bytes.Buffer
	codec config.Codec
	h     *history
	head  atomic.Pointer[eventstore.Head] // what is applied
}

// apply makes the head of the history the one that is applied.
func (v *verifying) apply() {
	head := v.h.head
	v.head.Store(&head)
}

// ReadHistory returns records of the history.
func (v *verifying) ReadHistory(_ context.Context, _ eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	v.reads = append(v.reads, after)
	records := v.h.records[after:min(int(after)+limit.Records, len(v.h.records))]
	if v.read != nil {
		return v.read(records)
	}
	return records, nil
}

// begin runs the verifier from a seq up to another one.
func (v *verifying) begin(t *testing.T, from, to eventstore.Seq, keeper projection.VerifiedKeeper) {
	v.apply()
	v.Verifier = projection.NewVerifier(v, func() eventstore.Head { return *v.head.Load() },
		projection.VerifierOptions{Codec: v.codec, Keeper: keeper, Log: slog.New(slog.NewTextHandler(&v.log, nil))})
	v.Begin(projection.Stretch{From: v.h.at(from), To: v.h.at(to)})
	var ctx context.Context
	ctx, v.stop = context.WithCancel(t.Context())
	v.end = make(chan error, 1)
	go func() { v.end <- v.Run(ctx) }()
	t.Cleanup(v.stop)
}

// at returns the head at a seq.
func (h *history) at(seq eventstore.Seq) eventstore.Head {
	if seq == 0 {
		return eventstore.Head{}
	}
	return eventstore.HeadOf(&h.records[seq-1])
}

// many returns a history of so many events of two names.
func many(t testing.TB, events int) *history {
	h := newHistory(t)
	for i := range events {
		h.set(fmt.Sprintf("n%d", i%2), fmt.Sprint(i))
	}
	return h
}

func TestVerifierVerifiesAllAndKeepsHowFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kept := many(t, 2345), &keeper{}
		v := &verifying{h: h}
		v.begin(t, 0, 2300, kept)
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := v.Verified(); got != h.head || kept.head != h.head {
			t.Errorf("verified up to %d, kept %d, want %d", got.Seq, kept.head.Seq, h.head.Seq)
		}
		h.set("n1", "live")
		v.apply()
		time.Sleep(time.Hour)
		synctest.Wait()
		if kept.head != h.head || kept.kept != 2 {
			t.Errorf("kept %d, for the %d. time, want %d for the 2nd", kept.head.Seq, kept.kept, h.head.Seq)
		}
		h.set("n1", "last")
		v.apply()
		v.stop()
		if err := <-v.end; err != nil || kept.head != h.head {
			t.Errorf("at the end: kept %d, %v, want %d", kept.head.Seq, err, h.head.Seq)
		}
		if got := strings.Count(v.log.String(), "\n"); got != 1 || !strings.Contains(v.log.String(), "the history is verified") {
			t.Errorf("logged:\n%s", &v.log)
		}
	})
}

// TestVerifierGoesOnWhereOneHasStopped keeps heads that are in the history and others.
func TestVerifierGoesOnWhereOneHasStopped(t *testing.T) {
	forged := many(t, 700).at(700)
	for _, row := range []struct {
		name  string
		kept  func(h *history) *keeper
		reads []eventstore.Seq // after which seqs the verifier reads
	}{
		{"nothing is kept", func(*history) *keeper { return &keeper{} }, []eventstore.Seq{0, 500, 1000, 1500}},
		{"a head", func(h *history) *keeper { return &keeper{head: h.at(700)} }, []eventstore.Seq{699, 700, 1200, 1700}},
		{"a head after what was not read", func(h *history) *keeper { return &keeper{head: h.at(2000)} }, []eventstore.Seq{1999}},
		{"a head of another history", func(*history) *keeper { return &keeper{head: forged} }, []eventstore.Seq{699, 0, 500, 1000, 1500}},
		{"a head beyond the history", func(h *history) *keeper {
			return &keeper{head: eventstore.Head{Seq: 9999, Hash: h.head.Hash}}
		}, []eventstore.Seq{0, 500, 1000, 1500}},
		{"it cannot be read", func(*history) *keeper { return &keeper{err: errors.New("no")} }, []eventstore.Seq{0, 500, 1000, 1500}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := many(t, 2000)
				v := &verifying{h: h}
				v.begin(t, 0, 1900, row.kept(h))
				time.Sleep(time.Second)
				synctest.Wait()
				if v.Verified() != h.head || !slices.Equal(v.reads, row.reads) {
					t.Errorf("verified up to %d, read after %v, want %v", v.Verified().Seq, v.reads, row.reads)
				}
				v.stop()
				<-v.end
			})
		})
	}
}

// TestVerifierFindsBreaks changes one old record.
func TestVerifierFindsBreaks(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(r *eventstore.Record)
		want   string
	}{
		{"data", func(r *eventstore.Record) { r.Data = `{"value":"forged"}` }, "the history is broken at position 778: its data"},
		{"seq", func(r *eventstore.Record) { r.Seq++ }, "the history is broken at position 778: the next record has position 779"},
		{"time", func(r *eventstore.Record) { r.RecordedAt = r.RecordedAt.Add(-time.Hour) }, "the history is broken at position 778: its time"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := many(t, 2000)
				kept := &keeper{}
				row.change(&h.records[777])
				v := &verifying{h: h}
				v.begin(t, 0, 1900, kept)
				if err := <-v.end; err == nil || !strings.Contains(err.Error(), row.want) || !projection.Permanent(err) {
					t.Errorf("got %v, want %q", err, row.want)
				}
				if got := v.Verified().Seq; got > 777 {
					t.Errorf("verified up to %d", got)
				}
				if kept.kept > 0 && kept.head.Seq > 777 {
					t.Errorf("kept %d", kept.head.Seq)
				}
			})
		})
	}
}

// TestVerifierStopsAtAnUnknownEvent: an older program wrote on after a newer one.
func TestVerifierStopsAtAnUnknownEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := many(t, 10)
		h.seal([]eventstore.Record{{Name: "n0", Version: 6, Type: "ConfigRenamed", SchemaVersion: 1, RecordedAt: h.head.RecordedAt.Add(time.Microsecond)}})
		v := &verifying{h: h}
		v.begin(t, 0, 11, nil)
		var unknown *config.UnknownEventError
		if err := <-v.end; !errors.As(err, &unknown) {
			t.Errorf("got %v", err)
		}
	})
}

// TestVerifierWaitsForTheStore has a store that is unreachable for an hour.
func TestVerifierWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := many(t, 2000)
		began := time.Now()
		v := &verifying{h: h, read: func(records []eventstore.Record) ([]eventstore.Record, error) {
			if time.Since(began) < time.Hour {
				return nil, fmt.Errorf("reading: %w", eventstore.ErrDiverged)
			}
			return records, nil
		}}
		v.begin(t, 0, 1900, nil)
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if got := v.Verified(); got.Seq != 0 {
			t.Errorf("verified up to %d of nothing", got.Seq)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := v.Verified(); got != h.head {
			t.Errorf("verified up to %d", got.Seq)
		}
		if got := strings.Count(v.log.String(), "the history cannot be verified now"); got != 1 {
			t.Errorf("logged %d times:\n%s", got, &v.log)
		}
	})
}

// TestVerifierWaitsForAnErasure is stopped between an erased event and the one that says so: the
// next one begins before both.
func TestVerifierWaitsForAnErasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := many(t, 1400)
		h.erase(1, 700)
		for range 600 {
			h.set("n1", "later")
		}
		kept := &keeper{}
		v := &verifying{h: h, codec: erasureCodec(), read: func(records []eventstore.Record) ([]eventstore.Record, error) {
			time.Sleep(time.Second)
			return records, nil
		}}
		v.begin(t, 0, 1900, kept)
		time.Sleep(8 * time.Second) // the page after 500 is read, that after 1000 is not
		if got := v.Verified(); got != h.at(500) {
			t.Errorf("verified up to %d, want 500", got.Seq)
		}
		v.stop()
		if err := <-v.end; err != nil || kept.head != h.at(500) {
			t.Errorf("kept %d, %v, want 500", kept.head.Seq, err)
		}
		v.begin(t, 0, 1900, kept)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := v.Verified(); got != h.head {
			t.Errorf("in the end: verified up to %d", got.Seq)
		}
		v.stop()
		<-v.end
	})
}

// TestVerifierIsStopped before it has verified everything: it keeps how far it has come.
func TestVerifierIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &keeper{}
		v := &verifying{h: many(t, 2000), read: func(records []eventstore.Record) ([]eventstore.Record, error) {
			time.Sleep(time.Second)
			return records, nil
		}}
		v.begin(t, 0, 1900, kept)
		time.Sleep(8 * time.Second)
		v.stop()
		if err := <-v.end; err != nil || kept.head != v.h.at(1000) || v.Verified() != kept.head {
			t.Errorf("kept %d, verified up to %d, %v, want 1000", kept.head.Seq, v.Verified().Seq, err)
		}
	})
}

// TestVerifierCannotKeep has a full disk: the log says it once.
func TestVerifierCannotKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &verifying{h: many(t, 100)}
		v.begin(t, 0, 90, &keeper{err: errors.New("no space left")})
		time.Sleep(time.Hour)
		v.stop()
		if err := <-v.end; err != nil || v.Verified() != v.h.head {
			t.Errorf("verified up to %d, %v", v.Verified().Seq, err)
		}
		if got := strings.Count(v.log.String(), "cannot be kept"); got != 1 {
			t.Errorf("logged %d times:\n%s", got, &v.log)
		}
	})
}

// TestVerifierRests shows that it reads for a fifth of the time at most.
func TestVerifierRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads []time.Time
		v := &verifying{h: many(t, 2000), read: func(records []eventstore.Record) ([]eventstore.Record, error) {
			reads = append(reads, time.Now())
			time.Sleep(10 * time.Millisecond)
			return records, nil
		}}
		v.begin(t, 0, 1900, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(reads) != 4 {
			t.Fatalf("%d reads, want 4", len(reads))
		}
		for i := range reads[1:] {
			if pause := reads[i+1].Sub(reads[i]); pause != 50*time.Millisecond {
				t.Errorf("read %v after the read before, which took 10 ms", pause)
			}
		}
	})
}
