package rest

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"configapi/internal/strictjson"
)

// samePlainValue holds what plainValue takes against strictjson, which is the law.
func samePlainValue(data []byte) (problem string, plain bool) {
	got, plain := plainValue(data)
	if !plain {
		return "", false
	}
	var body struct {
		Value *string `json:"value"`
	}
	err := strictjson.Decode(data, &body, strictjson.Options{})
	switch {
	case err != nil:
		return "strictjson refuses it: " + err.Error(), true
	case body.Value == nil:
		return "strictjson finds no value", true
	case *body.Value != string(got):
		return "strictjson finds " + *body.Value, true
	}
	return "", true
}

func TestPlainValueTakesWhatStrictjsonTakes(t *testing.T) {
	pieces := rapid.SampledFrom([]string{`{`, `}`, `"`, `"value"`, `:`, ` `, `,`, `\`, `\"`, `\u0000`, `\ud800`, "\xff", "\xc0\xaf", "\xed\xa0\x80", "\x00", "\x1f",
		"\x7f", "\u2028", "\ufeff", "é", "🏃", `null`, `{"value":"`, `{"value": "`, `"}`, `x`, "\n", `"value":"y"`, `{"value":"`, `"}`})
	text := rapid.Custom(func(t *rapid.T) string {
		all := ""
		for _, piece := range rapid.SliceOfN(pieces, 0, 6).Draw(t, "pieces") {
			all += piece
		}
		return all
	})
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		data := text.Draw(t, "text")
		if rapid.Bool().Draw(t, "framed") {
			data = `{"value":"` + data + `"}`
		}
		problem, plain := samePlainValue([]byte(data))
		if problem != "" {
			t.Fatalf("took %q: %s", data, problem)
		}
		if plain {
			taken++
		}
	})
	if taken == 0 {
		t.Error("nothing was taken: the test says nothing")
	}
}

func TestPlainValueTakesTheUsual(t *testing.T) {
	for _, body := range []string{`{"value":"30s"}`, `{"value": "30s"}`, `{"value":""}`, `{"value":"é🏃"}`} {
		if _, plain := plainValue([]byte(body)); !plain {
			t.Errorf("%s goes the long way", body)
		}
	}
}

func FuzzPlainValue(f *testing.F) {
	for _, seed := range []string{`{"value":"30s"}`, `{"value": "30s"}`, `{"value":"}`, `{"value":"a\"}`, `{"value":"a","value":"b"}`, "{\"value\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if problem, _ := samePlainValue(data); problem != "" {
			t.Fatalf("took %q: %s", data, problem)
		}
	})
}

// FuzzParseRoute looks for paths that panic, or whose parts are not what the path says.
func FuzzParseRoute(f *testing.F) {
	for _, seed := range []string{"/config", "/v1/config/a%2Fb/history", "/config/%68istory/at/x", "//", "/config//", "%", "/config/a/at/%2B", "/v1/events", "/tokens/a%2Fb/rotate", "/v1/secrets/cfg_x", "/tokens"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !utf8.ValidString(path) {
			return
		}
		checkRoute(t, path)
	})
}
