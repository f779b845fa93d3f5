package configstore_test

import (
	"testing"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

// TestNoninterference has one caller do the same random things on two stores. One of them also has
// changes of tokens, and of names that the caller may not read. Every answer must be the same on
// both, where a position stands for how many other changes there were up to it, and a page or a
// message may be shorter. CONFIGAPI_SEED repeats a run, CONFIGAPI_OPERATIONS sets its length.
func TestNoninterference(t *testing.T) {
	t.Parallel()
	for kind, open := range stores {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			operations := slowtest.Rounds(300, 3_000)
			if kind == "memory" {
				operations = slowtest.Rounds(2_000, 10_000)
			}
			configstoretest.RunTwinOperations(t, operations, func(t *testing.T, operations int) { runTwins(t, open, operations) })
		})
	}
}

// runTwins carries out operations on two stores, and compares the answers.
func runTwins(t *testing.T, open func(testing.TB) eventstore.Store, operations int) {
	both := configstoretest.NewTwins(t, open, configstore.Options{})
	plain, busy := &twin{Twin: both.Plain}, &twin{Twin: both.Busy}
	for range operations {
		op := twinOps[both.Dice.IntN(len(twinOps))]
		plainDice, busyDice := both.Next()
		both.MustBeEqual(op.name, op.do(plain, plainDice), op.do(busy, busyDice))
	}
}

// twin is one of the two stores, with what the caller keeps of it.
type twin struct {
	*configstoretest.Twin
	kept    []*configstore.Reader
	streams []*twinStream
	configs []*twinConfigStream
	single  *config.ChangeSet // the last one that it made, nil: none
	set     *config.ChangeSet
	made    eventstore.Position // the last set that was written for it
}
