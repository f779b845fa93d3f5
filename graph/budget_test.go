package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"configapi/graph"
	"configapi/graph/transport/bounds"
	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
)

const mib = 1 << 20

// budgets are the budgets of a server that a test inspects.
type budgets struct{ answers, streams, bodies *budget.Budget }

func newBudgets() budgets {
	return budgets{budget.ForAnswers(), budget.ForStreams(), budget.ForBodies()}
}

func (b budgets) options(maxAnswer int64) graph.Options {
	return graph.Options{Budgets: bounds.Options{Answers: b.answers, Streams: b.streams, Bodies: b.bodies, MaxAnswer: maxAnswer}}
}

func (b budgets) wantEmpty(t *testing.T) {
	t.Helper()
	for name, one := range map[string]*budget.Budget{"answers": b.answers, "streams": b.streams, "bodies": b.bodies} {
		if held := one.Held(); held != 0 {
			t.Errorf("%s: %d bytes are held", name, held)
		}
	}
}

// aliases returns n aliases of a field.
func aliases(n int, field string) string { return aliasesOf("a", n, field) }

// aliasesOf returns n aliases of a field that begin with a text.
func aliasesOf(name string, n int, field string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "%s%d:%s ", name, i, field)
	}
	return s.String()
}

// TestLongAnswers asks for more than an answer may have: in values, in escapes, in response names,
// and in small fields.
func TestLongAnswers(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	a.MustSet(t, "large", strings.Repeat("x", 200_000))
	a.MustSet(t, "escaped", strings.Repeat("\x01", 200_000))
	for i := range 500 {
		a.MustSet(t, fmt.Sprintf("small/%03d", i), "v")
	}
	long := strings.Repeat("n", 90)
	for name, query := range map[string]string{
		"aliases":       `{config(name:"large"){` + aliases(6, "value") + `}}`,
		"root fields":   `{` + aliases(6, `config(name:"large"){value}`) + `}`,
		"history":       `{history(name:"large"){nodes{` + aliases(6, "value") + `}}}`,
		"changes":       `{changes(first:500){changes{` + aliases(6, "value") + `}}}`,
		"escapes":       `{config(name:"escaped"){value}}`,
		"long names":    `{configs(first:500,filter:{prefix:"small/"}){nodes{` + aliasesOf(long, 30, "name") + `}}}`,
		"type names":    `{configs(first:500){nodes{` + aliasesOf(long, 30, "__typename") + `}}}`,
		"edges":         `{configs(first:500,filter:{prefix:"small/"}){edges{cursor node{` + aliasesOf(long, 28, "id") + `}}}}`,
		"past":          `{asOf(at:{time:"2030-01-01T00:00:00Z"}){config(name:"large"){` + aliases(6, "value") + `}}}`,
		"snapshot page": `{asOf(at:{time:"2030-01-01T00:00:00Z"}){configs(first:500){nodes{` + aliases(6, "value") + `}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			answer := a.MustPostRaw(t, query, nil)
			if len(answer) > 300 || !strings.Contains(answer, `"code":"LIMIT_EXCEEDED"`) || strings.Contains(answer, `"data"`) ||
				!strings.Contains(answer, "the answer would be larger than 1048576 bytes") {
				t.Errorf("got %.300s, %d bytes", answer, len(answer))
			}
		})
	}
	if answer := a.MustPostRaw(t, `{config(name:"large"){`+aliases(5, "value")+`}}`, nil); len(answer) < mib*95/100 {
		t.Errorf("an answer of just under the limit: got %.300s", answer)
	}
	b.wantEmpty(t)
}

// TestMutationThatCannotBeAnswered checks that a mutation with too large an answer is refused
// before anything is written.
func TestMutationThatCannotBeAnswered(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	a.MustSet(t, "old", strings.Repeat("x", 600_000))
	head := a.MustPostRaw(t, `{bounds{head}}`, nil)
	const set = `mutation($v:String!){a:setConfig(input:{name:"first",value:"1"}){__typename} b:setConfig(input:{name:"new",value:$v}){`
	for name, c := range map[string]struct {
		query string
		value string
	}{
		"aliases":   {set + `...on ConfigChanged{config{` + aliases(8, "value") + `}}}}`, strings.Repeat("x", 150_000)},
		"fragments": {set + `...F ...on ConfigChanged{config{b:value} ...F}}} fragment F on ConfigChanged{config{value} revision{value}}`, strings.Repeat("x", 400_000)},
		"escapes":   {set + `...on ConfigChanged{config{value}}}}`, strings.Repeat("\x02", 200_000)},
		"variables": {set + `...on ConfigChanged{revision{` + aliases(8, "value") + `}}}}`, strings.Repeat("x", 150_000)},
		"grants": {`mutation($v:String!){createToken(input:{name:"x",reason:$v,grants:[{prefix:"",actions:[READ]}]}){...on TokenIssued{token{` +
			aliases(30, "grants{prefix actions __typename}") + ` grants{prefix actions __typename}}}}}`, "1"},
		"replaced": {`mutation($v:String!){setConfig(input:{name:"old",value:$v}){...on ConfigChanged{revision{oldValue b:oldValue}}}}`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := a.MustPostRaw(t, c.query, vars{"v": c.value})
			if !strings.Contains(answer, "nothing was written: the answer would be larger than") || !strings.Contains(answer, "LIMIT_EXCEEDED") || strings.Contains(answer, `"data"`) {
				t.Errorf("got %.300s", answer)
			}
		})
	}
	if now := a.MustPostRaw(t, `{bounds{head}}`, nil); now != head {
		t.Errorf("something was written: %s, then %s", head, now)
	}
	b.wantEmpty(t)
}

// TestMutationKeepsItsPosition checks that an answer has its position, also when the past that a
// mutation selects is too large for it. Then only the past is missing.
func TestMutationKeepsItsPosition(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	for range 10 {
		a.MustSet(t, "a", strings.Repeat("x", 100_000))
	}
	answer := a.MustPostRaw(t, `mutation{setConfig(input:{name:"a",value:"1"}){...on ConfigChanged{position config{value history(first:500){nodes{value b:value}}}}}}`, nil)
	if !strings.Contains(answer, `"position":"11-`) || !strings.Contains(answer, `"value":"1"`) || !strings.Contains(answer, "LIMIT_EXCEEDED") || len(answer) > 2*mib {
		t.Errorf("got %.600s, %d bytes", answer, len(answer))
	}
	b.wantEmpty(t)
}

// TestMutationWithoutMemory checks that a mutation is refused when others hold the whole budget,
// and that nothing is written.
func TestMutationWithoutMemory(t *testing.T) {
	b := newBudgets()
	b.answers = budget.New(budget.Options{Bytes: mib, Wait: budget.NoWait})
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(0))
	others := b.answers.Reservation()
	others.Force(mib)
	w, err := http.Post(a.url, "application/json", strings.NewReader(`{"query":"mutation{setConfig(input:{name:\"a\",value:\"1\"}){...on ConfigChanged{position}}}"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	read, err := io.ReadAll(w.Body)
	if answer := string(read); err != nil || w.StatusCode != http.StatusServiceUnavailable || w.Header.Get("Retry-After") == "" || !strings.Contains(answer, "nothing was written: the server has no memory") || !strings.Contains(answer, "UNAVAILABLE") {
		t.Errorf("got %s", answer)
	}
	others.Release()
	if answer := a.MustPostRaw(t, `{config(name:"a"){value}}`, nil); answer != `{"data":{"config":null}}` {
		t.Errorf("got %s", answer)
	}
	b.wantEmpty(t)
}

// TestErrorsOfAnAnswer checks that an answer has at most 100 errors, and that the last says how
// many are left out.
func TestErrorsOfAnAnswer(t *testing.T) {
	a := MustServe(t, memory.New(), configstore.Options{}, graph.Options{})
	for i := range 150 {
		a.MustSet(t, fmt.Sprintf("n%03d", i), "v")
	}
	var answer struct {
		Data   map[string]any
		Errors []struct {
			Message    string
			Extensions map[string]any
		}
	}
	raw := a.MustPostRaw(t, `{configs(first:500){nodes{name history(first:1,after:"nonsense"){nodes{name}}}}}`, nil)
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		t.Fatal(err)
	}
	if n := len(answer.Errors); n != 100 || answer.Data == nil {
		t.Fatalf("got %d errors in %.500s", n, raw)
	}
	if last := answer.Errors[99]; last.Message != "an answer has at most 100 errors; 51 more are left out" || last.Extensions["code"] != "LIMIT_EXCEEDED" {
		t.Errorf("got %+v", last)
	}
}

// TestNothingIsHeldInTheEnd mixes answers that are read, refused, cut and not read, over all
// transports, and checks that no budget holds anything afterwards.
func TestNothingIsHeldInTheEnd(t *testing.T) {
	b := newBudgets()
	a := MustServe(t, memory.New(), configstore.Options{}, b.options(mib))
	for i := range 20 {
		a.MustSet(t, fmt.Sprintf("c%d", i), strings.Repeat("x", 50_000))
	}
	queries := []string{
		`{configs(first:500){nodes{value}}}`, `{configs(first:500){nodes{value b:value}}}`, `{changes(first:500){changes{value}}}`, `{config(name:"c1"){value}}`,
		`{history(name:"c1",first:501){nodes{value}}}`, `mutation{setConfig(input:{name:"c1",value:"2"}){...on ConfigChanged{position config{value}}}}`, `{`,
		`subscription{configChanges(after:"0-00000000"){changes{value b:value c:value} position}}`, `subscription{config(name:"c1"){value}}`,
	}
	var clients sync.WaitGroup
	for i := range 60 {
		clients.Go(func() {
			body, _ := json.Marshal(map[string]string{"query": queries[i%len(queries)]})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			if i%2 == 0 || strings.HasPrefix(queries[i%len(queries)], "subscription") {
				r.Header.Set("Accept", "text/event-stream")
			}
			w, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = w.Body.Read(make([]byte, 1+i*1000)) // the rest is not read
			_ = w.Body.Close()
		})
	}
	clients.Wait()
	if err := a.handler.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	a.close()
	b.wantEmpty(t)
}
