package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
)

// sets returns changes that give n configs such a value.
func sets(n int, value string) (changes []vars) {
	for i := range n {
		changes = append(changes, vars{"set": vars{"name": fmt.Sprint("n", i), "value": value}})
	}
	return changes
}

// TestSetThatCannotBeAnswered checks that a change set with too large an answer is refused before
// anything is written.
func TestSetThatCannotBeAnswered(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	a.MustPost(t, `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){__typename}}`, vars{"c": sets(10, strings.Repeat("x", 60_000))})
	head := a.head()
	for name, row := range map[string]struct {
		selected, value string
	}{
		"values":     {`revisions{value b:value}`, strings.Repeat("x", 60_000)},
		"escapes":    {`revisions{value}`, strings.Repeat("\x02", 20_000)},
		"old values": {`...F} ...on ConfigsChanged{...F}}} fragment F on ConfigsChanged{revisions{oldValue b:oldValue`, "1"},
		"both":       {`revisions{value oldValue}`, strings.Repeat("x", 60_000)},
		"leaves":     {`revisions{` + aliasesOf(strings.Repeat("n", 100), 29, "reason") + `} more:revisions{reason}`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			n := 10
			if name == "leaves" {
				n = 1000
			}
			end := "}}}"
			if name == "old values" {
				end = "}}"
			}
			doc := `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){...on ConfigsChanged{position ` + row.selected + end
			answer := a.MustPostRaw(t, doc, vars{"c": sets(n, row.value)})
			if !strings.Contains(answer, "nothing was written: the answer would be larger than") || !strings.Contains(answer, "LIMIT_EXCEEDED") || strings.Contains(answer, `"data"`) {
				t.Errorf("got %.300s", answer)
			}
		})
	}
	if a.head() != head {
		t.Errorf("something was written: the head is %s, before it was %s", a.head(), head)
	}
	b.wantEmpty(t)
}

// TestSetKeepsItsPosition checks that the answer to a set that was written has its position, also
// when what it selects besides the outcome is too large. Then only that is missing.
func TestSetKeepsItsPosition(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	large := strings.Repeat("x", 100_000)
	const doc = `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){...on ConfigsChanged{revisions{name version config{value b:value history(first:1){nodes{value}}}} position}}}`
	answer := a.MustPost(t, doc, vars{"c": sets(10, large)})
	if !strings.Contains(answer, `"position":"@10"`) || strings.Count(answer, `{"name":"n`) != 10 || !strings.Contains(answer, `"version":1,"config":null}`) || !strings.Contains(answer, "LIMIT_EXCEEDED") || len(answer) > 2*mib {
		t.Errorf("got %.600s, %d bytes", answer, len(answer))
	}
	// The values of a restore are not known before.
	for i := range 10 {
		a.MustDelete(t, fmt.Sprint("n", i))
	}
	var restores []vars
	for i := range 10 {
		restores = append(restores, vars{"restore": vars{"name": fmt.Sprint("n", i)}})
	}
	answer = a.MustPost(t, `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){...on ConfigsChanged{position revisions{name value b:value}}}}`, vars{"c": restores})
	// Half of the values fit, whichever of them are counted first.
	missing := strings.Count(answer, `"value":null`) + strings.Count(answer, `"b":null`)
	if !strings.Contains(answer, `"position":"@30"`) || strings.Count(answer, `{"name":"n`) != 10 || missing < 10 || missing == 20 ||
		!strings.Contains(answer, "LIMIT_EXCEEDED") || len(answer) > 2*mib {
		t.Errorf("got %.600s, %d bytes", answer, len(answer))
	}
	b.wantEmpty(t)
}

// TestLargestSet answers a set of 1,000 changes and 4 MiB, with all that it replaces.
func TestLargestSet(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(0))
	const doc = `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){
		...on ConfigsChanged{position unchanged dryRun revisions{id configId name operation value oldValue version position changeSet committedAt actor reason reverts erased}}
		...on ChangesRejected{position errors{code message path ...on StaleError{current{id name value version position}} ...on VersionConflictError{current{id name value version position}}}}}}`
	for i, value := range []string{strings.Repeat("x", 4180), strings.Repeat("\"", 4180)} {
		answer := a.MustPost(t, doc, vars{"c": sets(1000, value)})
		if n := strings.Count(answer, `"operation":`); n != 1000 || !strings.Contains(answer, fmt.Sprintf(`"position":"@%d000","unchanged":[]`, i+1)) || strings.Contains(answer, `"errors"`) {
			t.Errorf("got %d revisions in %.600s", n, answer)
		}
	}
	b.wantEmpty(t)
}

// TestRevertKeepsItsPosition reverts configs to values that are too large for the answer. They are
// not known before, so they are missing alone.
func TestRevertKeepsItsPosition(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	for _, value := range []string{strings.Repeat("x", 100_000), "2"} {
		a.MustPost(t, `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){__typename}}`, vars{"c": sets(20, value)})
	}
	set, before := a.head(), a.at(t, 20)
	for _, dryRun := range []bool{true, false} {
		for name, doc := range map[string]string{
			"revertConfigs":   `mutation{revertConfigs(input:{to:{position:"` + before + `"},dryRun:$d})`,
			"revertChangeSet": `mutation{revertChangeSet(input:{changeSet:"` + set + `",onConflict:OVERWRITE,dryRun:$d})`,
		} {
			doc = strings.Replace(doc, "$d", fmt.Sprint(dryRun), 1) + `{...on ConfigsChanged{revisions{name oldValue value} position}}}`
			answer := a.MustPost(t, doc, nil)
			if !strings.Contains(answer, `"position":"@`) || strings.Count(answer, `{"name":"n`) != 20 || !strings.Contains(answer, `"value":null`) ||
				!strings.Contains(answer, `"value":"xxx`) || !strings.Contains(answer, "LIMIT_EXCEEDED") || len(answer) > 2*mib {
				t.Errorf("%s: got %.600s, %d bytes", name, answer, len(answer))
			}
			if !dryRun {
				a.MustPost(t, `mutation($c:[ConfigChangeInput!]!){applyConfigs(input:{changes:$c}){__typename}}`, vars{"c": sets(20, "2")})
			}
		}
	}
	b.wantEmpty(t)
}
