package configstoretest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// Twins are two stores that have the same history for one caller. One of them also has changes of
// tokens, and of names that the caller may neither read nor change. CONFIGAPI_SEED repeats what is
// drawn.
type Twins struct {
	T    *testing.T
	Seed uint64
	// Step counts the operations of the caller. The clock of both stores moves on by one second
	// with each.
	Step   uint64
	Dice   *rand.Rand
	Caller auth.Caller
	// Writable are the names that the caller may change.
	Writable []string
	Plain    *Twin
	Busy     *Twin // has hidden changes, too
	// EndsPages is whether pages end early, since the stores examine few names for each.
	EndsPages bool

	clock  atomic.Pointer[time.Time]
	common []string
	hidden []string
}

// TwinNames are the names that there are: some are prefixes of others, and have neighbours that
// only look as if they were.
var TwinNames = []string{
	"a", "a-b", "a-b/c", "a.b/c", "a/b", "a/b-c", "a/b/c", "a/b/c/d", "a/bc", "a0", "ab/c",
	"b", "b/a", "b/a/c", "b/a-c", "c/x/y", "c/x/z", "c/y",
}

// RunTwinOperations carries out so many operations, or as many as CONFIGAPI_OPERATIONS says. Each
// subtest has some of them, with new twins, which its end closes.
func RunTwinOperations(t *testing.T, operations int, run func(t *testing.T, operations int)) {
	if given, err := strconv.Atoi(os.Getenv("CONFIGAPI_OPERATIONS")); err == nil {
		operations = given
	}
	const each = 250 // operations of one caller
	for left := operations; left > 0; left -= each {
		t.Run(fmt.Sprint(left), func(t *testing.T) { run(t, min(left, each)) })
	}
}

// NewTwins returns twins with empty histories, for a caller with random grants.
func NewTwins(t *testing.T, open func(testing.TB) eventstore.Store, opts configstore.Options) *Twins {
	seed := rand.Uint64()
	if text := os.Getenv("CONFIGAPI_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	w := &Twins{T: t, Seed: seed, Dice: rand.New(rand.NewPCG(seed, 0))}
	w.setClock()
	w.Caller = auth.Caller{Name: "caller", Grants: w.drawGrants()}
	w.sortNames()
	t.Logf("seed %d: %+v, %d names are hidden", seed, w.Caller.Grants.List(), len(w.hidden))
	opts.Now = func() time.Time { return *w.clock.Load() }
	opts.ClockInterval, opts.ProgressInterval, opts.Anonymous = -1, time.Millisecond, auth.Everything
	opts.ScanNames = []int{0, 3, 40}[w.Dice.IntN(3)]
	w.EndsPages = opts.ScanNames > 0
	opts.Feed.RingEvents = []int{1, 20, 10_000}[w.Dice.IntN(3)]
	w.Plain, w.Busy = newTwin(w, On(t, open(t), opts)), newTwin(w, On(t, open(t), opts))
	return w
}

// sortNames finds out what the caller may do with each name.
func (w *Twins) sortNames() {
	w.Writable, w.common, w.hidden = nil, nil, nil
	for _, name := range TwinNames {
		reads, writes := w.Caller.May(auth.Read, Name(w.T, name)), w.Caller.May(auth.Write, Name(w.T, name))
		if writes {
			w.Writable = append(w.Writable, name)
		}
		if reads || writes {
			w.common = append(w.common, name)
		} else {
			w.hidden = append(w.hidden, name)
		}
	}
}

// Shrink takes some of its grants from the caller: from now on, more is hidden. It returns what the
// caller could read, and cannot any more.
func (w *Twins) Shrink() (lost []string) {
	before := w.Caller
	kept := slices.DeleteFunc(slices.Clone(before.Grants.List()), func(auth.Grant) bool { return w.Dice.IntN(2) == 0 })
	w.Caller.Grants = must(auth.NewGrants(kept...))
	w.sortNames()
	w.Plain.restart()
	w.Busy.restart()
	return slices.DeleteFunc(slices.Clone(TwinNames), func(name string) bool {
		return !before.May(auth.Read, Name(w.T, name)) || w.Caller.May(auth.Read, Name(w.T, name))
	})
}

// drawGrants draws what the caller may do: now and then nothing or everything, often something
// below several prefixes, sometimes only to read or only to write.
func (w *Twins) drawGrants() *auth.Grants {
	prefixes := append([]string{"c", "c/x", "a.b", "d"}, TwinNames...)
	var list []auth.Grant
	for range w.Dice.IntN(7) {
		actions := [][]auth.Action{{auth.Read}, {auth.Write}, {auth.Read, auth.Write}, {auth.Read, auth.Write}, {auth.Admin}}[w.Dice.IntN(5)]
		list = append(list, auth.Grant{Actions: actions, Prefix: prefixes[w.Dice.IntN(len(prefixes))]})
	}
	if w.Dice.IntN(20) == 0 {
		list = append(list, auth.Grant{Actions: []auth.Action{auth.Read}})
	}
	return must(auth.NewGrants(list...))
}

func (w *Twins) setClock() {
	now := Epoch.Add(time.Duration(w.Step) * time.Second)
	w.clock.Store(&now)
}

// Next begins the next operation: others change names first. It returns what draws the operation:
// the same for both twins.
func (w *Twins) Next() (plain, busy *rand.Rand) {
	w.Step++
	w.setClock()
	for range w.Dice.IntN(3) {
		w.change()
	}
	drawn := w.Dice.Uint64()
	return rand.New(rand.NewPCG(drawn, 0)), rand.New(rand.NewPCG(drawn, 0))
}

// MustBeEqual fails the test unless an operation has the same answer on both twins.
func (w *Twins) MustBeEqual(operation, plain, busy string) {
	w.T.Helper()
	if plain != busy {
		w.T.Fatalf("seed %d, operation %d, %s: %s", w.Seed, w.Step, operation, differing(busy, plain))
	}
	w.Plain.CatchUp()
	w.Busy.CatchUp()
}

// Must stops the test on an error that no operation leads to.
func (w *Twins) Must(err error) {
	if err != nil {
		w.T.Helper()
		w.T.Fatalf("seed %d, operation %d: %v", w.Seed, w.Step, err)
	}
}

// differing returns the first lines in which answers differ.
func differing(busy, plain string) string {
	with, without := strings.Split(busy, "\n"), strings.Split(plain, "\n")
	n := 0
	for n < min(len(with), len(without)) && with[n] == without[n] {
		n++
	}
	return fmt.Sprintf("from line %d on, with hidden changes:\n%s\nwithout:\n%s", n+1,
		strings.Join(with[n:min(n+5, len(with))], "\n"), strings.Join(without[n:min(n+5, len(without))], "\n"))
}

// change has another caller change names on both stores: one set of those that are not hidden, to
// which it adds hidden ones in the busy store. Both parts may be empty.
func (w *Twins) change() {
	visible := w.some(w.common, 4)
	all := append(w.some(w.hidden, 4), visible...)
	w.Dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	visible = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !slices.Contains(visible, name) })
	actor, reason := []string{"", "ann", "caller", "bob"}[w.Dice.IntN(4)], ""
	if w.Dice.IntN(2) == 0 {
		reason = "because"
	}
	if len(visible) == 0 {
		actor, reason = []string{"ann", "hidden actor"}[w.Dice.IntN(2)], "hidden reason"
	}
	if w.Dice.IntN(6) == 0 {
		w.Busy.changeToken()
	}
	key := ""
	if w.Dice.IntN(4) == 0 { // the caller has such keys, too; another one uses its own but once
		key, actor = fmt.Sprint("key-", w.Dice.IntN(20)), fmt.Sprintf("ann-%d-%d", w.Step, w.Dice.IntN(1<<20))
	}
	drawn := w.Dice.Uint64()
	w.Plain.change(visible, actor, reason, key, drawn)
	w.Busy.change(all, actor, reason, key, drawn)
}

// some returns up to most names, each once.
func (w *Twins) some(of []string, most int) []string {
	of = slices.Clone(of)
	w.Dice.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	return of[:w.Dice.IntN(min(most, len(of))+1)]
}
