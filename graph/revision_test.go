package graph_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// TestExpectedRevision has clients that expect a revision, of this history and of another.
func TestExpectedRevision(t *testing.T) {
	a := MustStart(t)
	first := a.MustSet(t, "a", "1").Position.String()
	second := a.MustSet(t, "a", "2").Position.String()
	foreign := second[:len(second)-1] + map[bool]string{true: "1", false: "0"}[second[len(second)-1] == '0']
	const conflict = `"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"the config's newest revision is not the expected one; read it and try again","path":["expectedRevision"],"current":{"version":2,"operation":"UPDATED","value":"2"}`
	for _, wrong := range []string{first, foreign, "0-00000000", "99-00000000"} {
		a.want(t, setDoc, vars{"input": vars{"name": "a", "value": "3", "expectedRevision": wrong}}, `{"data":{"setConfig":{`+conflict+`}}}`)
		a.want(t, deleteDoc, vars{"input": vars{"name": "a", "expectedRevision": wrong}}, `{"data":{"deleteConfig":{`+conflict+`}}}`)
	}
	for _, malformed := range []string{"", "2", "2-zzzzzzzz", "-1-00000000"} {
		a.want(t, deleteDoc, vars{"input": vars{"name": "a", "expectedRevision": malformed}}, `{"data":{"deleteConfig":{"__typename":"InvalidInputError","code":"POSITION_UNKNOWN",`+
			`"message":"expectedRevision must be the position of a revision, such as 1842-9f3a21c0, as this server gave it","path":["expectedRevision"]}}}`)
	}
	a.want(t, setDoc, vars{"input": vars{"name": "b", "value": "3", "expectedRevision": second}}, `{"data":{"setConfig":{"__typename":"VersionConflictError","code":"VERSION_CONFLICT",`+
		`"message":"the config's newest revision is not the expected one; read it and try again","path":["expectedRevision"],"current":null}}}`)
	if a.head() != second {
		t.Fatalf("something was written: the head is %s", a.head())
	}
	// Each change expects the one before it.
	const doc = `mutation($r:Position $i:String){set:setConfig(input:{name:"a",value:"3",expectedVersion:2,expectedRevision:$r,idempotencyKey:$i}){...on ConfigChanged{position}}}`
	third := MustGet[string](t, a, doc, vars{"r": second, "i": "k"}, "set", "position")
	if again := MustGet[string](t, a, doc, vars{"r": second, "i": "k"}, "set", "position"); again != third {
		t.Errorf("the same request came to %s, then to %s", third, again)
	}
	// What another request with the key expects of the config goes before its key.
	other := `mutation($r:Position){set:setConfig(input:{name:"a",value:"3",expectedRevision:$r,idempotencyKey:"k"}){...on UserError{code}}}`
	a.want(t, other, vars{"r": first}, `{"data":{"set":{"code":"VERSION_CONFLICT"}}}`)
	a.want(t, other, vars{"r": third}, `{"data":{"set":{"code":"IDEMPOTENCY_MISMATCH"}}}`)
	fourth := MustGet[string](t, a, `mutation($r:Position){deleteConfig(input:{name:"a",expectedRevision:$r}){...on ConfigChanged{revision{position}}}}`, vars{"r": third}, "deleteConfig", "revision", "position")
	a.want(t, `mutation($r:Position){restoreConfig(input:{name:"a",expectedRevision:$r}){...on ConfigChanged{revision{version}}}}`, vars{"r": fourth}, `{"data":{"restoreConfig":{"revision":{"version":5}}}}`)
}

// TestOneFaultIsOneLine has each of many items fail: only the first is logged, with its stack if it
// is a panic.
func TestOneFaultIsOneLine(t *testing.T) {
	a, events, log := MustServeFailing(t, configstore.Options{})
	for _, name := range []string{"b", "c", "d"} {
		a.MustSet(t, name, "1")
	}
	const doc = `{configs{nodes{history{nodes{version}} again:history(first:2){nodes{version}}}}}`
	for _, row := range []struct {
		fault func(context.Context, []eventstore.Record) error
		code  string
	}{
		{func(context.Context, []eventstore.Record) error { panic("boom") }, "INTERNAL"},
		{func(_ context.Context, records []eventstore.Record) error {
			for i := range records {
				records[i].Type = "ConfigSecretSet"
			}
			return nil
		}, "INTERNAL"},
		{func(context.Context, []eventstore.Record) error { return errors.New("unreachable") }, "UNAVAILABLE"},
	} {
		events.fail(nil, row.fault)
		for range 2 {
			got := a.MustPost(t, doc, nil)
			if n := strings.Count(got, `"code":"`+row.code+`"`); n != 8 {
				t.Errorf("%d errors, want 8: %s", n, got)
			}
			if entries := log.entries(t); len(entries) != 1 {
				t.Errorf("%s: %d lines in the log, want 1: %v", row.code, len(entries), entries)
			}
		}
	}
}
