package clientcmd

import (
	"encoding/json"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// TestYAML reads what is written of values that are easily taken for others.
func TestYAML(t *testing.T) {
	const text = `{"b":"yes","a":"1","n":12345678901,"e":"","l":[],"o":{},"list":[{"x":null,"y":true},"~","1:20"],"t":"a\n b\n\n","s":" x ","u":"\u0085\u001b\t"}`
	const want = `b: "yes"
a: "1"
"n": 12345678901
e: ""
l: []
o: {}
list:
  - x: null
    "y": true
  - "~"
  - "1:20"
t: "a\n b\n\n"
s: ' x '
u: "\N\e\t"
`
	if got, err := toYAML([]byte(text)); err != nil || string(got) != want {
		t.Errorf("got %v and\n%swant\n%s", err, got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "values")
		text, _ := json.Marshal(values)
		_ = json.Unmarshal(text, &values) // JSON replaces what is not UTF-8
		written, err := toYAML(text)
		read := map[string]string{}
		if err != nil || yaml.Unmarshal(written, &read) != nil || !reflect.DeepEqual(read, values) {
			t.Fatalf("got %q, %v, want %q in\n%s", read, err, values, written)
		}
	})
}
