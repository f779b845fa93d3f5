package writer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
)

// errWaits is the error of a store that waits for its standby in vain.
var errWaits = errors.New("the standby does not answer")

// sent is one append as the event store gets it.
type sent struct {
	expected eventstore.Head
	records  []eventstore.Record
	receipts []eventstore.Receipt
}

// standby is an event store with a synchronous standby that may be unreachable. Appends are
// readable meanwhile, but the writer gets no answer, and nothing that can be read is durable.
type standby struct {
	*memory.Store
	mu            sync.Mutex // guards what is below
	isUnreachable bool
	asked         int                  // for the durable head
	instead       []func(s sent) error // take the place of the appends to come, receipts and all
	appended      []int                // :: append → how many records and receipts it had
}

func (s *standby) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *standby) timesAsked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *standby) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	s.mu.Lock()
	unreachable := s.isUnreachable
	var instead func(sent) error
	if len(s.instead) > 0 {
		instead, s.instead = s.instead[0], s.instead[1:]
	}
	s.appended = append(s.appended, len(records)+len(receipts))
	s.mu.Unlock()
	if instead != nil {
		return instead(sent{expected, records, receipts})
	}
	err := s.Store.Append(ctx, expected, records, receipts...)
	if err == nil && unreachable {
		return configstoretest.ErrAnswerLost
	}
	return err
}

func (s *standby) DurableHead(ctx context.Context) (eventstore.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.isUnreachable {
		return eventstore.Head{}, errWaits
	}
	return s.Head(ctx)
}

// never is an append that does not reach the store.
func (s *standby) never(sent) error { return configstoretest.ErrAnswerLost }

func newStandby() *standby { return &standby{Store: memory.New()} }

// TestWhatIsFoundIsDurableBeforeItIsAcknowledged has the standby become unreachable. What is found
// in the history meanwhile must not be acknowledged: it would be lost with the primary.
func TestWhatIsFoundIsDurableBeforeItIsAcknowledged(t *testing.T) {
	unchanged := configstoretest.Set(t, "a", "1")
	unchanged.OnlyIfChanged = true
	for what, set := range map[string]config.ChangeSet{
		"an append whose outcome is found out": config.Single(configstoretest.Set(t, "a", "2")),
		"a key that was used before":           configstoretest.SetOnce(t, "a", "1", "k"),
		"nothing to do":                        config.Single(unchanged),
		"nothing to do, with a key":            configstoretest.Once(t, unchanged, "other"),
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newStandby()
				store := configstoretest.On(t, events, configstore.Options{})
				if _, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "1", "k")); err != nil {
					t.Fatal(err)
				}
				events.set(func() { events.isUnreachable = true })
				_, err := store.Do(t.Context(), auth.Anonymous, set)
				configstoretest.MustBeKind(t, err, fault.Unavailable, true)
				if store.WriteProblem() == nil {
					t.Error("WriteProblem: got nil while the standby is unreachable")
				}
				events.set(func() { events.isUnreachable = false })
				time.Sleep(2 * time.Second)
				if err := store.WriteProblem(); err != nil {
					t.Errorf("WriteProblem: got %v after the standby came back", err)
				}
				if _, err := store.Do(t.Context(), auth.Anonymous, set); err != nil {
					t.Errorf("after the standby came back: %v", err)
				}
			})
		})
	}
}

// TestNothingToDoWithTheHeadLockedIsMadeDurable has a writer lock the head, find nothing to change,
// and then refuse a command. Only the former must be made durable.
func TestNothingToDoWithTheHeadLockedIsMadeDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newStandby()
		store := configstoretest.On(t, events, configstore.Options{})
		faster := func(s sent) error { return eventstore.ErrHeadMoved }
		events.set(func() { events.instead = []func(sent) error{faster, faster} })
		store.MustSet(t, "a", "1") // with the head locked
		events.set(func() { events.isUnreachable = true })
		same := configstoretest.Set(t, "a", "1")
		same.OnlyIfChanged = true
		_, err := store.Do(t.Context(), auth.Anonymous, config.Single(same))
		configstoretest.MustBeKind(t, err, fault.Unavailable, true)
		_, err = store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.SetAt(t, "a", "2", 7)))
		configstoretest.MustBeKind(t, err, fault.VersionConflict, false)
		events.set(func() { events.isUnreachable = false })
		if got, err := store.Do(t.Context(), auth.Anonymous, config.Single(same)); err != nil || got.Changed {
			t.Errorf("got %+v, %v, want nothing done", got, err)
		}
	})
}

// TestOnlyWhatIsFoundCostsACommit shows that changes and refusals are answered without a second
// commit.
func TestOnlyWhatIsFoundCostsACommit(t *testing.T) {
	events := newStandby()
	store := configstoretest.On(t, events, configstore.Options{})
	for _, set := range []config.ChangeSet{
		config.Single(configstoretest.Set(t, "a", "1")), configstoretest.SetOnce(t, "a", "2", "k"), config.Single(config.Delete{Name: configstoretest.Name(t, "a")}),
	} {
		if _, err := store.Do(t.Context(), auth.Anonymous, set); err != nil {
			t.Error(err)
		}
	}
	_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.SetAt(t, "new", "2", 7)))
	configstoretest.MustBeKind(t, err, fault.VersionConflict, false)
	_, err = store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "b", "2", "k"))
	configstoretest.MustBeKind(t, err, fault.IdempotencyMismatch, false)
	if n := events.timesAsked(); n != 0 {
		t.Errorf("the durable head was asked for %d times", n)
	}
	_, err = store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "2", "k"))
	if n := events.timesAsked(); err != nil || n != 1 {
		t.Errorf("a key that was used: %v, and the durable head was asked for %d times, want once", err, n)
	}
}

// TestReceiptsAloneWithUnknownOutcome loses the answer to an append without an event that could be
// found. The caller is answered only once its receipt is there.
func TestReceiptsAloneWithUnknownOutcome(t *testing.T) {
	for what, fate := range map[string]func(*standby) func(sent) error{
		"it was not written": func(events *standby) func(sent) error { return events.never },
		"it was written": func(events *standby) func(sent) error {
			return func(s sent) error {
				_ = events.Store.Append(context.Background(), s.expected, s.records, s.receipts...)
				return configstoretest.ErrAnswerLost
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newStandby()
				store := configstoretest.On(t, events, configstore.Options{})
				store.MustSet(t, "a", "1")
				events.set(func() { events.instead = []func(sent) error{fate(events), fate(events)} })
				same := configstoretest.Set(t, "a", "1")
				same.OnlyIfChanged = true
				if got, err := store.Do(t.Context(), auth.Anonymous, configstoretest.Once(t, same, "k")); err != nil || got.Changed {
					t.Errorf("got %+v, %v, want nothing done", got, err)
				}
				kept, err := events.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}})
				if err != nil || len(kept) != 1 {
					t.Errorf("answered, but there are %d receipts, %v", len(kept), err)
				}
			})
		})
	}
}

// TestKeyIsTakenWhileAnOutcomeIsResolved has another node store a receipt of the same key, without
// an event, while the writer resolves an outcome. Its append cannot be written any more, so the
// caller is answered at once.
func TestKeyIsTakenWhileAnOutcomeIsResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newStandby()
		store := configstoretest.On(t, events, configstore.Options{})
		head := store.MustSet(t, "a", "1").Position.Seq
		other := eventstore.Receipt{Key: eventstore.Key{Text: "k"}, RequestHash: [32]byte{1}, First: head, CreatedAt: time.Now()}
		events.set(func() {
			events.instead = []func(sent) error{func(s sent) error {
				if err := events.Store.Append(t.Context(), s.expected, nil, other); err != nil {
					t.Error(err)
				}
				return configstoretest.ErrAnswerLost
			}}
		})
		began := time.Now()
		_, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "2", "k"))
		configstoretest.MustBeKind(t, err, fault.IdempotencyMismatch, false)
		if took := time.Since(began); took > time.Second {
			t.Errorf("answered after %v", took)
		}
		if want := []int{1, 2, 2}; !slices.Equal(events.appended, want) {
			t.Errorf("appends had %v records and receipts, want %v", events.appended, want)
		}
	})
}

// TestWriteProblem has a store refuse writes for a while. WriteProblem reports it at once, and its
// end within about a second, also when no command comes.
func TestWriteProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newStandby()
		store := configstoretest.On(t, events, configstore.Options{})
		if err := store.WriteProblem(); err != nil || store.Health(t.Context()).Writing != nil {
			t.Errorf("WriteProblem before any write: got %v", err)
		}
		refused := errors.New("read-only")
		events.set(func() {
			events.isUnreachable = true
			events.instead = []func(sent) error{func(sent) error { return errors.Join(eventstore.ErrNotWritten, refused) }}
		})
		_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", "1")))
		configstoretest.MustBeKind(t, err, fault.Unavailable, false)
		if err := store.WriteProblem(); !errors.Is(err, refused) || store.Health(t.Context()).Writing == nil {
			t.Errorf("WriteProblem: got %v, want %v", err, refused)
		}
		time.Sleep(time.Minute)
		if err := store.WriteProblem(); !errors.Is(err, errWaits) {
			t.Errorf("WriteProblem a minute later: got %v, want %v", err, errWaits)
		}
		events.set(func() { events.isUnreachable = false })
		time.Sleep(2 * time.Second)
		if err := store.WriteProblem(); err != nil || store.Health(t.Context()).Writing != nil {
			t.Errorf("WriteProblem after it has ended: got %v", err)
		}
		asked := events.timesAsked()
		time.Sleep(time.Minute)
		if again := events.timesAsked(); again != asked {
			t.Errorf("a store that takes writes was tried %d times more", again-asked)
		}
	})
}
