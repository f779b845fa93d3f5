package client

import (
	"net/http"
	"reflect"
	"testing"

	"configapi/test/faults/record"
)

func TestOnlyADefiniteAnswerIsKnown(t *testing.T) {
	for _, test := range []struct {
		status  int
		body    string
		outcome record.Outcome
		refusal record.Refusal
	}{
		{200, "OK", record.Done, 0},
		{404, "Not Found", record.Refused, record.NotFound},
		{409, "{}", record.Refused, record.NotDeleted},
		{410, "Gone", record.Refused, record.Gone},
		{412, "{}", record.Refused, record.Conflict},
		{503, `{"code":"UNAVAILABLE"}`, record.NotWritten, 0},
		{503, `{"code":"UNAVAILABLE","outcome_unknown":true}`, record.Unknown, 0},
		{503, "from something in between", record.Unknown, 0},
		{500, `{"code":"INTERNAL"}`, record.Unknown, 0},
		{502, "", record.Unknown, 0},
	} {
		outcome, refusal := outcomeOf(reply{status: test.status, body: []byte(test.body)})
		if outcome != test.outcome || refusal != test.refusal {
			t.Errorf("%d %s: got %v, %v, want %v, %v", test.status, test.body, outcome, refusal, test.outcome, test.refusal)
		}
	}
}

func TestOutcomesOfMutations(t *testing.T) {
	c := &Client{world: &World{}}
	for body, want := range map[string]record.Write{
		`{"data":{"outcome":{"__typename":"ConfigChanged","revision":{"version":3},"position":"7-01234567"}}}`:           {Outcome: record.Done, Version: 3, Position: record.Position{Seq: 7, Hash: "01234567"}},
		`{"data":{"outcome":{"__typename":"VersionConflictError","current":{"version":2}}}}`:                             {Outcome: record.Refused, Refusal: record.Conflict, Version: 2},
		`{"data":{"outcome":{"__typename":"VersionConflictError","current":null}}}`:                                      {Outcome: record.Refused, Refusal: record.Conflict},
		`{"data":{"outcome":{"__typename":"NotFoundError"}}}`:                                                            {Outcome: record.Refused, Refusal: record.NotFound},
		`{"data":{"outcome":{"__typename":"DeletedError"}}}`:                                                             {Outcome: record.Refused, Refusal: record.Gone},
		`{"data":{"outcome":{"__typename":"InvalidInputError"}}}`:                                                        {},
		`{"data":{"outcome":null},"errors":[{"message":"m","extensions":{"code":"UNAVAILABLE"}}]}`:                       {Outcome: record.NotWritten},
		`{"data":{"outcome":null},"errors":[{"message":"m","extensions":{"code":"UNAVAILABLE","outcomeUnknown":true}}]}`: {},
		`{"data":{"outcome":null},"errors":[{"message":"m","extensions":{"code":"INTERNAL"}}]}`:                          {},
		`{"code":"UNAVAILABLE"}`: {Outcome: record.NotWritten},
	} {
		var got record.Write
		c.readResult(0, &got, reply{status: statusOf(body), body: []byte(body)})
		got.Status = ""
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
}

func statusOf(body string) int {
	if body == `{"code":"UNAVAILABLE"}` {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func TestConfigThatIsListedTwiceIsNoList(t *testing.T) {
	if got, err := valuesOf([]byte(`[{"name":"a","value":"1"},{"name":"b","value":"2"}]`)); err != nil || len(got) != 2 || got["b"] != "2" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, body := range []string{`[{"name":"a","value":"1"},{"name":"a","value":"1"}]`, `{}`, `[{"name":"a"`} {
		if got, err := valuesOf([]byte(body)); err == nil {
			t.Errorf("%s: got %v, want an error", body, got)
		}
	}
}

func TestOnlyAKeyAllowsAnotherTry(t *testing.T) {
	keys, none := &Client{world: &World{Features: Features{Keys: true}}}, &Client{world: &World{}}
	w := &record.Write{ID: "w", Tries: 1}
	if !keys.again(w) || none.again(w) {
		t.Errorf("an unknown outcome: with keys %t, without %t", keys.again(w), none.again(w))
	}
	if keys.again(&record.Write{ID: "w.0.12", Tries: 1}) || !keys.again(&record.Write{ID: "w.0.13", Tries: 1}) {
		t.Error("not three of ten writes are without a key where servers take keys")
	}
	if w.Tries = maxTries; keys.again(w) {
		t.Error("the attempts are not bounded")
	}
	if done := (&record.Write{ID: "w", Tries: 1, Outcome: record.Done}); keys.again(done) {
		t.Error("a write that is done is sent again")
	}
}
