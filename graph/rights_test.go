package graph_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore/configstoretest"
)

// as returns the same API as a caller with grants such as READ:app has it.
func (a *api) as(t testing.TB, grants ...string) *api {
	t.Helper()
	return a.asCaller(t, configstoretest.Caller(t, "ci", grants...))
}

// asCaller returns the same API as a caller has it.
func (a *api) asCaller(t testing.TB, caller auth.Caller) *api {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.handler.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), caller)))
	}))
	t.Cleanup(server.Close)
	other := *a
	other.url = server.URL
	return &other
}

const rightsOutcome = `{__typename ...on UserError{code message path} ...on ForbiddenError{action}
	...on ConfigChanged{config{value} revision{version operation value oldValue config{value}} changed position}`

func rightsDoc(mutation, more string) string {
	field := strings.ToLower(mutation[:1]) + mutation[1:]
	return `mutation($input:` + mutation + `Input!){` + field + `(input:$input)` + rightsOutcome + more + `}}`
}

// TestForbidden has a caller that may change less than it asks for.
func TestForbidden(t *testing.T) {
	open := MustStart(t)
	open.MustSet(t, "a", "secret")
	open.MustSet(t, "gone", "secret")
	open.MustDelete(t, "gone")
	conflict := `...on VersionConflictError{current{version}}`
	deleted := `...on DeletedError{deletion:revision{version}}`
	for _, name := range []string{"a", "gone", "none"} {
		a := open.as(t, "READ:", "WRITE:other")
		answer := func(field string) string {
			return `{"data":{"` + field + `":{"__typename":"ForbiddenError","code":"FORBIDDEN","message":"WRITE on ` + name + ` is not granted; use a token that grants it","path":["name"],"action":"WRITE"}}}`
		}
		a.want(t, rightsDoc("SetConfig", conflict+deleted), vars{"input": vars{"name": name, "value": "x", "expectedVersion": 9}}, answer("setConfig"))
		a.want(t, rightsDoc("DeleteConfig", conflict+deleted), vars{"input": vars{"name": name, "expectedVersion": 9}}, answer("deleteConfig"))
		a.want(t, rightsDoc("RestoreConfig", conflict), vars{"input": vars{"name": name}}, answer("restoreConfig"))
	}
	open.as(t).want(t, rightsDoc("SetConfig", ``), vars{"input": vars{"name": "a//b", "value": "x"}},
		`{"data":{"setConfig":{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"name has an empty segment: / may neither begin nor end it, nor follow another /","path":["name"]}}}`)
}

// TestWriteWithoutRead has a caller that may write and not read.
func TestWriteWithoutRead(t *testing.T) {
	open := MustStart(t)
	open.MustSet(t, "a", "secret")
	open.MustSet(t, "gone", "secret")
	open.MustDelete(t, "gone")
	a := open.as(t, "WRITE:")
	conflict := `...on VersionConflictError{current{version}}`
	deleted := `...on DeletedError{deletion:revision{version}}`
	for range 2 { // the second time it is the receipt
		a.want(t, rightsDoc("SetConfig", conflict+deleted), vars{"input": vars{"name": "a", "value": "mine", "idempotencyKey": "k"}},
			`{"data":{"setConfig":{"__typename":"ConfigChanged","config":null,"revision":{"version":2,"operation":"UPDATED","value":"mine","oldValue":null,"config":null},"changed":true,"position":"@4"}}}`)
	}
	a.want(t, rightsDoc("SetConfig", conflict+deleted), vars{"input": vars{"name": "a", "value": "x", "expectedVersion": 1}},
		`{"data":{"setConfig":{"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 1 was expected, but the config has another one","path":["expectedVersion"],"current":null}}}`)
	a.want(t, rightsDoc("SetConfig", conflict+deleted), vars{"input": vars{"name": "gone", "value": "x"}},
		`{"data":{"setConfig":{"__typename":"DeletedError","code":"DELETED","message":"the config is deleted; restore it first","path":["name"],"deletion":null}}}`)
	a.want(t, rightsDoc("SetConfig", ``), vars{"input": vars{"name": "a", "value": "mine", "onlyIfChanged": true}},
		`{"data":{"setConfig":{"__typename":"ForbiddenError","code":"FORBIDDEN","message":"READ on a is not granted; use a token that grants it","path":["name"],"action":"READ"}}}`)
	a.want(t, rightsDoc("RestoreConfig", ``), vars{"input": vars{"name": "gone"}},
		`{"data":{"restoreConfig":{"__typename":"ForbiddenError","code":"FORBIDDEN","message":"READ on gone is not granted; use a token that grants it","path":["name"],"action":"READ"}}}`)
	a.want(t, rightsDoc("RestoreConfig", `...on NotDeletedError{current{version}}`), vars{"input": vars{"name": "a", "value": "x"}},
		`{"data":{"restoreConfig":{"__typename":"NotDeletedError","code":"NOT_DELETED","message":"the config is not deleted, so there is nothing to restore","path":["name"],"current":null}}}`)
	a.want(t, rightsDoc("DeleteConfig", deleted), vars{"input": vars{"name": "a"}},
		`{"data":{"deleteConfig":{"__typename":"ConfigChanged","config":null,"revision":{"version":3,"operation":"DELETED","value":null,"oldValue":null,"config":null},"changed":true,"position":"@5"}}}`)
	a.want(t, `{config(name:"a"){value} configs{totalCount} history(name:"a"){nodes{version}}}`, nil,
		`{"data":{"config":null,"configs":{"totalCount":0},"history":{"nodes":[]}}}`)
}

// TestForbiddenSet applies and reverts sets of which the caller may not change or read some names.
func TestForbiddenSet(t *testing.T) {
	open := mustChange(t)
	a := open.as(t, "READ,WRITE:updated", "READ:same", "WRITE:deleted")
	doc := strings.Replace(applyDoc, "__typename code message path", "__typename code message path ...on ForbiddenError{action}", 1)
	forbidden := func(path, action, on string) string {
		return `{"__typename":"ForbiddenError","code":"FORBIDDEN","message":"` + action + ` on ` + on + ` is not granted; use a token that grants it","path":` + path + `,"action":"` + action + `"}`
	}
	for _, dry := range []bool{true, false} {
		a.want(t, doc, vars{"input": vars{"dryRun": dry, "asSeenAt": "9-00000000", "changes": []vars{
			{"set": vars{"name": "updated", "value": "2", "expectedVersion": 9}},
			{"set": vars{"name": "same", "value": "5"}},
			{"restore": vars{"name": "deleted"}},
			{"delete": vars{"name": "none"}},
		}}}, `{"data":{"applyConfigs":{"__typename":"ChangesRejected","position":"@6","errors":[`+
			forbidden(`["changes","1","set","name"]`, "WRITE", "same")+`,`+forbidden(`["changes","2","restore","name"]`, "READ", "deleted")+`,`+
			forbidden(`["changes","3","delete","name"]`, "WRITE", "none")+`]}}}`)
		a.want(t, doc, vars{"input": vars{"dryRun": dry, "asSeenAt": "0-00000000", "changes": []vars{
			{"set": vars{"name": "updated", "value": "2"}}, {"set": vars{"name": "deleted", "value": "2", "expectedVersion": 7}},
		}}}, `{"data":{"applyConfigs":{"__typename":"ChangesRejected","position":"@6","errors":[`+
			`{"__typename":"StaleError","code":"STALE","message":"the config has changed after the position asSeenAt; look at it and try again","path":["changes","0","set","name"],"current":{"version":1,"value":"1","oldValue":null}},`+
			`{"__typename":"StaleError","code":"STALE","message":"the config has changed after the position asSeenAt; look at it and try again","path":["changes","1","set","name"],"current":null},`+
			`{"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 7 was expected, but the config has another one","path":["changes","1","set","expectedVersion"],"current":null}]}}}`)
		a.want(t, strings.NewReplacer("ApplyConfigsInput", "RevertConfigsInput", "applyConfigs", "revertConfigs").Replace(doc),
			vars{"input": vars{"dryRun": dry, "to": vars{"position": "0-00000000"}}},
			`{"data":{"revertConfigs":{"__typename":"ChangesRejected","position":"@6","errors":[`+forbidden(`null`, "WRITE", "same")+`]}}}`)
	}
	undo := strings.NewReplacer("ApplyConfigsInput", "RevertChangeSetInput", "applyConfigs", "revertChangeSet").Replace(doc)
	a.want(t, undo, vars{"input": vars{"changeSet": open.at(t, 2)}},
		`{"data":{"revertChangeSet":{"__typename":"ChangesRejected","position":"@6","errors":[{"__typename":"InvalidInputError","code":"POSITION_UNKNOWN","message":"this history never handed out that position","path":["changeSet"]}]}}}`)
	open.as(t, "WRITE:").want(t, undo, vars{"input": vars{"changeSet": open.at(t, 2)}},
		`{"data":{"revertChangeSet":{"__typename":"ChangesRejected","position":"@6","errors":[{"__typename":"ForbiddenError","code":"FORBIDDEN","message":"READ is not granted on what the request is about; use a token that grants it","path":null,"action":"READ"}]}}}`)
}
