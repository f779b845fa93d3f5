package eventstoretest_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/slowtest"
)

// mutantVariable names the environment variable that makes a process run the suite on one mutant.
const mutantVariable = "EVENTSTORETEST_MUTANT"

// mutant is a store with one mistake, and the law that must find it.
type mutant struct {
	name  string
	law   string
	store func(*memory.Store) eventstore.Store
}

var mutants = []mutant{
	{"select, then insert; one head", oneWins, func(s *memory.Store) eventstore.Store { return selectThenInsert{s} }},
	{"select, then insert; racing", "racing writers leave no gap and lose nothing",
		func(s *memory.Store) eventstore.Store { return selectThenInsert{s} }},
	{"seqs of a sequence", noHole,
		func(s *memory.Store) eventstore.Store {
			return &sequence{Store: s, hidden: make(map[eventstore.AppendID]bool)}
		}},
	{"record by record; read", noHole, func(s *memory.Store) eventstore.Store { return recordByRecord{s} }},
	{"record by record; refused", allOrNone, func(s *memory.Store) eventstore.Store { return recordByRecord{s} }},
	{"the head is ahead", noHole, func(s *memory.Store) eventstore.Store { return &headAhead{Store: s} }},
	{"only the seq is compared", "an append after another hash at the seq of the head is refused",
		func(s *memory.Store) eventstore.Store { return anyHash{s} }},
	{"times in seconds", everyField, changing(cutTimes(time.Second))},
	{"times in milliseconds", everyField, changing(cutTimes(time.Millisecond))},
	{"times of another zone", everyField, changing(moveTimes)},
	{"null is empty", everyField, changing(fillNulls)},
	{"data as jsonb", everyField, changing(compactData)},
	{"unknown types are skipped", everyField, func(s *memory.Store) eventstore.Store { return knownTypes{s} }},
	{"as of is exclusive", "ReadAsOf returns the newest record of each name at every seq",
		func(s *memory.Store) eventstore.Store { return exclusiveAsOf{s} }},
	{"as of with data anyway", "ReadAsOf returns the newest record of each name at every seq",
		func(s *memory.Store) eventstore.Store { return dataAnyway{s} }},
	{"ReadHistory ignores the basis", named, func(s *memory.Store) eventstore.Store { return anyBasis{s, "ReadHistory"} }},
	{"ReadConfig ignores the basis", named, func(s *memory.Store) eventstore.Store { return anyBasis{s, "ReadConfig"} }},
	{"ReadConfigBack ignores the basis", named, func(s *memory.Store) eventstore.Store { return anyBasis{s, "ReadConfigBack"} }},
	{"ReadInstant ignores the basis", named, func(s *memory.Store) eventstore.Store { return anyBasis{s, "ReadInstant"} }},
	{"reading back forwards", "ReadConfigBack returns the records of one name from the newest back",
		func(s *memory.Store) eventstore.Store { return ascending{s} }},
	{"streams of the server are selected, too", selected, func(s *memory.Store) eventstore.Store { return everyStream{s} }},
	{"a prefix is a part of a segment", selected, func(s *memory.Store) eventstore.Store { return wildPrefix{s} }},
	{"the next page leaves one out", selected, func(s *memory.Store) eventstore.Store { return skipsOne{s} }},
	{"reading back without a bound", "ReadBack examines no more than it may",
		func(s *memory.Store) eventstore.Store { return unbounded{s} }},
	{"ReadBack ignores the basis", named, func(s *memory.Store) eventstore.Store { return anyBasis{s, "ReadBack"} }},
	{"names of one event more", "ReadNames returns the names between two seqs once",
		func(s *memory.Store) eventstore.Store { return inclusiveNames{s} }},
	{"instants are rounded", "ReadInstant returns the newest record of every instant",
		func(s *memory.Store) eventstore.Store { return rounding{s} }},
	{"ReadAsOf ignores the basis", named, func(s *memory.Store) eventstore.Store { return anyBasis{s, "ReadAsOf"} }},
	{"an empty result ignores the basis", named, func(s *memory.Store) eventstore.Store { return uncheckedWhenEmpty{s} }},
	{"ReadHistory in two snapshots", mixed, func(s *memory.Store) eventstore.Store { return checkedBefore{s, "ReadHistory"} }},
	{"ReadConfig in two snapshots", mixed, func(s *memory.Store) eventstore.Store { return checkedBefore{s, "ReadConfig"} }},
	{"ReadAsOf in two snapshots", mixed, func(s *memory.Store) eventstore.Store { return checkedBefore{s, "ReadAsOf"} }},
	{"as of looks back 100 versions", "ReadAsOf finds one of many versions of a name",
		func(s *memory.Store) eventstore.Store { return shortAsOf{s} }},
	{"names in dictionary order", "names are ordered by their bytes",
		func(s *memory.Store) eventstore.Store { return dictionary{s} }},
	{"names without case", allOrNone, func(s *memory.Store) eventstore.Store { return noCase{s} }},
	{"pages without end", pages, func(s *memory.Store) eventstore.Store { return endlessPages{s} }},
	{"pages of names without end", pages, func(s *memory.Store) eventstore.Store { return endlessAsOf{s} }},
	{"pages of one size", "a page ends where its limit says", func(s *memory.Store) eventstore.Store { return defaultPages{s} }},
	{"pages that would be too large are empty", pages, func(s *memory.Store) eventstore.Store { return emptyPages{s} }},
	{"one record too many", "Read returns records in order, up to its limit",
		func(s *memory.Store) eventstore.Store { return oneTooMany{s} }},
	{"reported as not written, but written", "an append whose context ends is there whole or not at all",
		func(s *memory.Store) eventstore.Store { return calledFailed{s} }},
	{"the lock locks nothing", "no append is written while another one decides under the lock",
		func(s *memory.Store) eventstore.Store { return notLocked{s} }},
	{"the lock locks nothing; racing", "a locked append never loses to others",
		func(s *memory.Store) eventstore.Store { return notLocked{s} }},
	{"one missed record is left out", "a locked append gets the head and all missed records",
		func(s *memory.Store) eventstore.Store { return missesOne{s} }},
	{"too far behind, but decides", "a locked append does not decide when it is ahead or too far behind",
		func(s *memory.Store) eventstore.Store { return asksAnyway{s} }},
	{"receipts of refused appends are kept", "an append that is refused leaves no receipt",
		func(s *memory.Store) eventstore.Store { return careless{s} }},
	{"receipts alone are taken at any head", "receipts alone leave the head where it is",
		func(s *memory.Store) eventstore.Store { return anywhere{s} }},
	{"a receipt replaces the one before", "a key that is taken refuses the whole append",
		func(s *memory.Store) eventstore.Store { return upsert{s} }},
	{"a receipt replaces the one before; racing", "of several appends of one key exactly one wins",
		func(s *memory.Store) eventstore.Store { return upsert{s} }},
	{"the actor of a key is ignored", "the same key of another actor is another receipt", func(s *memory.Store) eventstore.Store { return anyActor{s} }},
	{"pruning without a limit", "old receipts are pruned, the oldest first", func(s *memory.Store) eventstore.Store { return noLimit{s} }},
	{"pruning what is not older", "old receipts are pruned, the oldest first", func(s *memory.Store) eventstore.Store { return inclusive{s} }},
	{"the newest use written stays", "of several uses of a secret the latest stays", func(s *memory.Store) eventstore.Store { return newestUse{s} }},
	{"the end of the context is ignored", "a method whose context has ended returns its error",
		func(s *memory.Store) eventstore.Store { return deaf{s} }},
}

// Laws that find several mutants.
const (
	oneWins    = "of several appends after one head exactly one wins"
	noHole     = "readers never see a gap or a part of an append"
	allOrNone  = "a version that its config has already refuses the whole append"
	everyField = "every field is read back as it was written"
	selected   = "ReadBack returns what is selected, newest first and page by page"
	named      = "reads of users return the history of their basis"
	mixed      = "reads of users never mix two histories"
	pages      = "a page ends early when it is large, but is never empty"
)

// TestMistakesAreFound runs each mutant in a process of its own, because a test cannot watch itself
// fail.
func TestMistakesAreFound(t *testing.T) {
	if name := os.Getenv(mutantVariable); name != "" {
		runMutant(t, name)
		return
	}
	for i, m := range mutants {
		if i%slowtest.Rounds(4, 1) != 0 {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestMistakesAreFound$/^" + strings.ReplaceAll(m.law, " ", "_") + "$"
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", pattern, "-test.timeout", "30s")
			cmd.Env = append(os.Environ(), mutantVariable+"="+m.name, slowtest.Env+"=1")
			output, err := cmd.CombinedOutput()
			if !bytes.Contains(output, []byte("--- FAIL: TestMistakesAreFound/")) {
				t.Errorf("%q holds for it (%v):\n%s", m.law, err, output)
			}
		})
	}
}

func runMutant(t *testing.T, name string) {
	i := slices.IndexFunc(mutants, func(m mutant) bool { return m.name == name })
	eventstoretest.Run(t, func(testing.TB) (open func() eventstore.Store) {
		s := mutants[i].store(memory.New())
		return func() eventstore.Store { return s }
	}, rewrite)
}

// rewrite rewrites the memory store inside a mutant.
func rewrite(t testing.TB, s eventstore.Store, head eventstore.Head, records []eventstore.Record) {
	replaced := s.(interface {
		Replace(eventstore.Head, []eventstore.Record) error
	})
	if err := replaced.Replace(head, records); err != nil {
		t.Error(err)
	}
}

// A new store proves the laws with one test and measures itself with one benchmark. The functions
// below stand for TestStoreKeepsTheLaws and BenchmarkStore in the store's own package.
func Example() {
	// Each law gets a history of its own. Handles of one memory store can be the store itself.
	newHistory := func(testing.TB) (open func() eventstore.Store) {
		store := memory.New()
		return func() eventstore.Store { return store }
	}
	// The laws about forged histories need a way around the store's own checks.
	rewrite := func(t testing.TB, s eventstore.Store, head eventstore.Head, records []eventstore.Record) {
		if err := s.(*memory.Store).Replace(head, records); err != nil {
			t.Fatal(err)
		}
	}
	_ = func(t *testing.T) { eventstoretest.Run(t, newHistory, rewrite) }
	_ = func(b *testing.B) { eventstoretest.Bench(b, newHistory) }
}
