package configstore_test

import (
	"context"
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
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
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
			if n, err := strconv.Atoi(os.Getenv("CONFIGAPI_OPERATIONS")); err == nil {
				operations = n
			}
			const each = 250 // operations of one caller
			for left := operations; left > 0; left -= each {
				// The end of each subtest closes its stores.
				t.Run(fmt.Sprint(left), func(t *testing.T) { newTwins(t, open).run(min(left, each)) })
			}
		})
	}
}

// twins are the two stores.
type twins struct {
	t      *testing.T
	seed   uint64
	steps  uint64
	dice   *rand.Rand
	caller auth.Caller
	clock  atomic.Pointer[time.Time]
	plain  *twin
	busy   *twin // has hidden changes, too
	common []string
	hidden []string // names that the caller may neither read nor change
	// writable are the names that the caller may change.
	writable []string
}

func newTwins(t *testing.T, open func(testing.TB) eventstore.Store) *twins {
	seed := rand.Uint64()
	if text := os.Getenv("CONFIGAPI_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	w := &twins{t: t, seed: seed, dice: rand.New(rand.NewPCG(seed, 0))}
	begin := configstoretest.Epoch
	w.clock.Store(&begin)
	w.caller = auth.Caller{Name: "caller", Grants: w.drawGrants()}
	for _, name := range secretNames {
		if n := configstoretest.Name(t, name); w.caller.May(auth.Read, n) || w.caller.May(auth.Write, n) {
			w.common = append(w.common, name)
		} else {
			w.hidden = append(w.hidden, name)
		}
		if w.caller.May(auth.Write, configstoretest.Name(t, name)) {
			w.writable = append(w.writable, name)
		}
	}
	opts := configstore.Options{
		Now: func() time.Time { return *w.clock.Load() }, ClockInterval: -1,
		ProgressInterval: time.Millisecond, Anonymous: auth.Everything,
		ScanNames: []int{0, 3, 40}[w.dice.IntN(3)],
		Feed:      feed.Options{RingEvents: []int{1, 20, 10_000}[w.dice.IntN(3)]},
	}
	w.plain = newTwin(w, configstoretest.On(t, open(t), opts))
	w.busy = newTwin(w, configstoretest.On(t, open(t), opts))
	t.Logf("seed %d: %+v, %d names are hidden", seed, w.caller.Grants.List(), len(w.hidden))
	return w
}

// secretNames are the names that there are: some are prefixes of others, and have neighbours that
// only look as if they were.
var secretNames = []string{
	"a", "a-b", "a-b/c", "a.b/c", "a/b", "a/b-c", "a/b/c", "a/b/c/d", "a/bc", "a0", "ab/c",
	"b", "b/a", "b/a/c", "b/a-c", "c/x/y", "c/x/z", "c/y",
}

// drawGrants draws what the caller may do: now and then nothing or everything, often something
// below several prefixes, sometimes only to read or only to write.
func (w *twins) drawGrants() *auth.Grants {
	prefixes := append([]string{"c", "c/x", "a.b", "d"}, secretNames...)
	var list []auth.Grant
	for range w.dice.IntN(7) {
		actions := [][]auth.Action{{auth.Read}, {auth.Write}, {auth.Read, auth.Write}, {auth.Read, auth.Write}, {auth.Admin}}[w.dice.IntN(5)]
		list = append(list, auth.Grant{Actions: actions, Prefix: prefixes[w.dice.IntN(len(prefixes))]})
	}
	if w.dice.IntN(20) == 0 {
		list = append(list, auth.Grant{Actions: []auth.Action{auth.Read}})
	}
	grants, err := auth.NewGrants(list...)
	if err != nil {
		w.t.Fatal(err)
	}
	return grants
}

// run carries out operations, and compares the answers.
func (w *twins) run(operations int) {
	for range operations {
		w.steps++
		now := configstoretest.Epoch.Add(time.Duration(w.steps) * time.Second)
		w.clock.Store(&now)
		for range w.dice.IntN(3) {
			w.change()
		}
		op := twinOps[w.dice.IntN(len(twinOps))]
		drawn := w.dice.Uint64()
		plain := op.do(w.plain, rand.New(rand.NewPCG(drawn, 0)))
		busy := op.do(w.busy, rand.New(rand.NewPCG(drawn, 0)))
		if plain != busy {
			w.t.Fatalf("seed %d, operation %d, %s: %s", w.seed, w.steps, op.name, differing(busy, plain))
		}
		w.plain.catchUp()
		w.busy.catchUp()
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
func (w *twins) change() {
	visible := w.some(w.common, 4)
	all := append(w.some(w.hidden, 4), visible...)
	w.dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	visible = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !slices.Contains(visible, name) })
	actor, reason := []string{"", "ann", "caller", "bob"}[w.dice.IntN(4)], ""
	if w.dice.IntN(2) == 0 {
		reason = "because"
	}
	if len(visible) == 0 {
		actor, reason = []string{"ann", "hidden actor"}[w.dice.IntN(2)], "hidden reason"
	}
	if w.dice.IntN(6) == 0 {
		w.busy.changeToken()
	}
	drawn := w.dice.Uint64()
	w.plain.change(visible, actor, reason, drawn)
	w.busy.change(all, actor, reason, drawn)
}

// some returns up to most names, each once.
func (w *twins) some(of []string, most int) []string {
	of = slices.Clone(of)
	w.dice.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	return of[:w.dice.IntN(min(most, len(of))+1)]
}

// twin is one of the two stores, with what the caller keeps of it.
type twin struct {
	*twins
	store *configstoretest.Store
	// ranks says for each seq how many events there are up to it that are not hidden.
	ranks []int // :: seq → rank
	// marks are the positions that stand for a rank and that the caller can know: that of
	// an event which is not hidden, and the ends of change sets.
	marks   [][]eventstore.Position // :: rank → positions
	own     []eventstore.Position   // :: rank → position of the event
	lastSet eventstore.Seq          // the change set of the last of those
	secrets []eventstore.Position   // of hidden events
	// secretSets are the ends of change sets that are hidden as a whole.
	secretSets []eventstore.Position
	kept       []*configstore.Reader
	streams    []*twinStream
	configs    []*twinConfigStream
	single     *config.ChangeSet // the last one that it made, nil: none
	set        *config.ChangeSet
	made       eventstore.Position // the last set that was written for it
	tokens     int                 // how many changes of tokens were made
}

func newTwin(w *twins, store *configstoretest.Store) *twin {
	return &twin{twins: w, store: store, ranks: []int{0}, marks: [][]eventstore.Position{{{}}}, own: []eventstore.Position{{}}}
}

// change has another caller change names in one set. What is done to a name that is not hidden is
// the same in both stores.
func (s *twin) change(names []string, actor, reason string, drawn uint64) {
	if len(names) == 0 {
		return
	}
	reader := s.store.Reader(auth.Anonymous)
	commands := make([]config.Command, len(names))
	for i, text := range names {
		dice := rand.New(rand.NewPCG(drawn, uint64(slices.Index(secretNames, text))))
		name, value := configstoretest.Name(s.t, text), configstoretest.Value(s.t, fmt.Sprint(dice.IntN(3)))
		if slices.Contains(s.hidden, text) {
			value = configstoretest.Value(s.t, "hidden value")
		}
		state := reader.State(name)
		switch exists := state != nil && state.Exists(); {
		case state != nil && !exists && dice.IntN(2) == 0:
			commands[i] = config.Restore{Name: name}
		case exists && dice.IntN(3) == 0:
			commands[i] = config.Delete{Name: name}
		default:
			commands[i] = config.Set{Name: name, Value: value, RestoreDeleted: true}
		}
	}
	set := config.ChangeSet{}.Of(commands...)
	var err error
	set.Reason, err = config.ParseReason(reason)
	s.must(err)
	if _, err := s.store.Apply(context.Background(), auth.Caller{Name: actor, Grants: auth.Everything}, set); err != nil {
		s.t.Fatalf("seed %d: %+v: %v", s.seed, set, err)
	}
	s.catchUp()
}

// changeToken makes a token, or revokes the one that was made last.
func (s *twin) changeToken() {
	ctx, name := context.Background(), configstoretest.TokenName(s.t, fmt.Sprint("token-", s.tokens/2))
	var err error
	if s.tokens%2 == 0 {
		_, err = s.store.CreateToken(ctx, auth.Local, auth.IssueToken{Name: name, Grants: auth.Everything}, config.Reason{})
	} else {
		_, err = s.store.RevokeToken(ctx, auth.Local, auth.RevokeToken{Name: name}, config.Reason{})
	}
	s.must(err)
	s.tokens++
	s.catchUp()
}

// catchUp notes the positions of all that was written.
func (s *twin) catchUp() {
	records, err := s.store.Events.Read(context.Background(), eventstore.Seq(len(s.ranks)-1), eventstore.Limit{Records: 1 << 20})
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range records {
		rank, set := len(s.marks)-1, records[i].ChangeSet
		position := eventstore.HeadOf(&records[i]).Position()
		switch hidden := config.IsStream(records[i].Name) || slices.Contains(s.hidden, records[i].Name); {
		case !hidden:
			rank++
			s.marks = append(s.marks, []eventstore.Position{position})
			s.own, s.lastSet = append(s.own, position), set
		case set != records[i].Seq: // no answer has the position
		case set == s.lastSet: // to the caller, its last change in the set is where the set ends
			s.marks[rank] = []eventstore.Position{position}
		default:
			s.marks[rank] = append(s.marks[rank], position)
			s.secretSets = append(s.secretSets, position)
		}
		if rank == s.ranks[len(s.ranks)-1] {
			s.secrets = append(s.secrets, position)
		}
		s.ranks = append(s.ranks, rank)
	}
}

// rank returns what a position stands for.
func (s *twin) rank(at eventstore.Position) int { return s.ranks[at.Seq] }

// drawPosition draws a position: the same rank in both stores.
func (s *twin) drawPosition(dice *rand.Rand) eventstore.Position {
	rank, nth := dice.IntN(len(s.marks)), dice.Int()
	return s.marks[rank][nth%len(s.marks[rank])]
}
