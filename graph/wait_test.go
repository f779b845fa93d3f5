package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/eventstore/memory"
)

// TestAnOperationWaitsOnce asks a node that is behind for many positions in many ways. All of it
// together takes as long as one wait. The time is that of a synctest bubble.
func TestAnOperationWaitsOnce(t *testing.T) {
	const wait = 2 * time.Second
	for name, ask := range map[string]func(positions []string) string{
		"asOf of each config": func(at []string) string {
			var fields strings.Builder
			for i, p := range at {
				fmt.Fprintf(&fields, `a%d:asOf(at:{position:"%s"}){version} `, i, p)
			}
			return `{configs{nodes{` + fields.String() + `}}}`
		},
		"root fields": func(at []string) string {
			cursor := id("1c" + at[2] + " a")
			return `{a:asOf(at:{position:"` + at[0] + `"}){position} b:changes(after:"` + at[1] + `"){position} c:configs(after:"` + cursor + `"){totalCount}
				d:config(name:"a",atLeast:"` + at[3] + `"){name} e:config(name:"a"){history(after:"` + id("1h"+at[4]+" 1 a") + `"){nodes{version}}}}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := memory.New()
				late := edgetest.NewLate(events)
				first := configstoretest.On(t, events, configstore.Options{})
				for i := range 20 {
					first.MustSet(t, fmt.Sprint("m", i), "")
					first.MustSet(t, fmt.Sprint("n", i), "")
				}
				second := configstoretest.On(t, late, configstore.Options{PositionWait: wait})
				handler := graph.NewHandler(second.Store, graph.Options{})
				defer late.Hide()()
				var positions []string
				for i := range 10 {
					positions = append(positions, first.MustSet(t, "a", fmt.Sprint(i)).Position.String())
				}
				start := time.Now()
				got := answerOf(t, handler, ask(positions))
				if took := time.Since(start); took > wait+time.Millisecond || !strings.Contains(got, `"code":"POSITION_NOT_REACHED"`) {
					t.Errorf("it took %v: %.1000s", took, got)
				}
				if err := handler.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// answerOf returns the answer to an operation without a network, which a bubble cannot use.
func answerOf(t *testing.T, handler http.Handler, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Body.String()
}
