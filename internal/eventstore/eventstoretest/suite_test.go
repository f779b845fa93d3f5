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

// mutantVariable names the mutant that a process is to run the suite on.
const mutantVariable = "EVENTSTORETEST_MUTANT"

// mutant is a store with one mistake, and a law that has to find it.
type mutant struct {
	name  string
	law   string
	store func(*memory.Store) eventstore.Store
}

var mutants = []mutant{
	{"select, then insert; one head", oneWins, func(s *memory.Store) eventstore.Store { return selectThenInsert{s} }},
	{"select, then insert; racing", "racing writers leave no gap and lose nothing",
		func(s *memory.Store) eventstore.Store { return selectThenInsert{s} }},
	{"positions of a sequence", noHole,
		func(s *memory.Store) eventstore.Store {
			return &sequence{Store: s, late: make(map[eventstore.AppendID]bool)}
		}},
	{"record by record; read", noHole, func(s *memory.Store) eventstore.Store { return recordByRecord{s} }},
	{"record by record; refused", allOrNone, func(s *memory.Store) eventstore.Store { return recordByRecord{s} }},
	{"the head is ahead", noHole, func(s *memory.Store) eventstore.Store { return &headAhead{Store: s} }},
	{"only the position is compared", "an append from another hash at the position of the head is refused",
		func(s *memory.Store) eventstore.Store { return anyHash{s} }},
	{"times in seconds", everyField, changing(cutTimes(time.Second))},
	{"times in milliseconds", everyField, changing(cutTimes(time.Millisecond))},
	{"times of another zone", everyField, changing(moveTimes)},
	{"null is empty", everyField, changing(fillNulls)},
	{"data as jsonb", everyField, changing(compactData)},
	{"unknown types are skipped", everyField, func(s *memory.Store) eventstore.Store { return knownTypes{s} }},
	{"as of is exclusive", "ReadAsOf gives the newest record of each name at every position",
		func(s *memory.Store) eventstore.Store { return exclusiveAsOf{s} }},
	{"as of with data anyway", "ReadAsOf gives the newest record of each name at every position",
		func(s *memory.Store) eventstore.Store { return dataAnyway{s} }},
	{"ReadBranch of any branch", named, func(s *memory.Store) eventstore.Store { return anyBranch{s, "ReadBranch"} }},
	{"ReadConfig of any branch", named, func(s *memory.Store) eventstore.Store { return anyBranch{s, "ReadConfig"} }},
	{"ReadConfigBack of any branch", named, func(s *memory.Store) eventstore.Store { return anyBranch{s, "ReadConfigBack"} }},
	{"ReadInstant of any branch", named, func(s *memory.Store) eventstore.Store { return anyBranch{s, "ReadInstant"} }},
	{"reading back forwards", "ReadConfigBack gives the records of one name from the newest back",
		func(s *memory.Store) eventstore.Store { return ascending{s} }},
	{"instants are rounded", "ReadInstant gives the newest record of every instant",
		func(s *memory.Store) eventstore.Store { return rounding{s} }},
	{"ReadAsOf of any branch", named, func(s *memory.Store) eventstore.Store { return anyBranch{s, "ReadAsOf"} }},
	{"nothing of any branch", named, func(s *memory.Store) eventstore.Store { return emptyBranch{s} }},
	{"ReadBranch in two snapshots", mixed, func(s *memory.Store) eventstore.Store { return checkedBefore{s, "ReadBranch"} }},
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
	{"one record too many", "Read gives records in order, up to its limit",
		func(s *memory.Store) eventstore.Store { return oneTooMany{s} }},
	{"written, but called not written", "an append whose context ends is there whole or not at all",
		func(s *memory.Store) eventstore.Store { return calledFailed{s} }},
	{"the lock locks nothing", "nobody appends while another one decides under the lock",
		func(s *memory.Store) eventstore.Store { return notLocked{s} }},
	{"the lock locks nothing; racing", "who locks never loses to others",
		func(s *memory.Store) eventstore.Store { return notLocked{s} }},
	{"one record is missing of those missed", "who locks is given the head and all that it missed",
		func(s *memory.Store) eventstore.Store { return missesOne{s} }},
	{"who is too far behind is asked", "who locks is not asked when it is ahead, or too far behind",
		func(s *memory.Store) eventstore.Store { return asksAnyway{s} }},
	{"receipts of refused appends are kept", "an append that is refused leaves no receipt",
		func(s *memory.Store) eventstore.Store { return careless{s} }},
	{"receipts alone are taken at any head", "receipts alone leave the head where it is",
		func(s *memory.Store) eventstore.Store { return anywhere{s} }},
	{"a receipt replaces the one before", "a key that is taken is refused with all of its append",
		func(s *memory.Store) eventstore.Store { return upsert{s} }},
	{"a receipt replaces the one before; racing", "of those who append one key at once exactly one wins",
		func(s *memory.Store) eventstore.Store { return upsert{s} }},
	{"keys are everybody's", "a receipt of another actor is another one", func(s *memory.Store) eventstore.Store { return anyActor{s} }},
	{"pruning without a limit", "old receipts are pruned, the oldest first", func(s *memory.Store) eventstore.Store { return noLimit{s} }},
	{"pruning what is not older", "old receipts are pruned, the oldest first", func(s *memory.Store) eventstore.Store { return inclusive{s} }},
	{"deaf to its context", "a method whose context has ended returns its error",
		func(s *memory.Store) eventstore.Store { return deaf{s} }},
}

// Laws that find several mutants.
const (
	oneWins    = "of those who append after one head exactly one wins"
	noHole     = "readers never see a hole, nor a part of an append"
	allOrNone  = "a version that its config has already is refused with all of its append"
	everyField = "every field is read back as it was written"
	named      = "reads for users are of the branch that they name"
	mixed      = "reads for users never mix two branches"
	pages      = "a page ends early when it is large, but is never empty"
)

// TestMistakesAreFound runs each mutant in a process of its own, since a test cannot look on as it fails.
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

// rewrite rewrites the memory store that a mutant is made of.
func rewrite(t testing.TB, s eventstore.Store, head eventstore.Head, records []eventstore.Record) {
	replaced := s.(interface {
		Replace(eventstore.Head, []eventstore.Record) error
	})
	if err := replaced.Replace(head, records); err != nil {
		t.Error(err)
	}
}
