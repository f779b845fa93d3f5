package edgetest

import (
	"strings"
	"testing"

	"configapi/internal/configstore/configstoretest"
)

// runKeys sends idempotency keys, as far as headers can carry them.
func runKeys(t *testing.T, store *configstoretest.Store, edge Edge) {
	longest := strings.Repeat("k", 64)
	for _, row := range []row{
		{"one character", "k", done, ""},
		{"the longest", longest, done, ""},
		{"punctuation", `"8e03978e-40d5-43dd {};,` + "'`~", done, ""},

		{"empty", "", invalid, "is empty"},
		{"65 bytes", longest + "k", invalid, "has 65 bytes; at most 64 are allowed"},
		{"tab", "a\tb", invalid, "printable ASCII"},
		{"other letters", "é", invalid, "printable ASCII"},
	} {
		row.run(t, store, func(t testing.TB) Answer { return edge.SetWithKey(t, Good, `"x"`, row.input) })
	}
	for _, row := range []row{
		{"the same again", `"x"`, done, ""},
		{"another value", `"y"`, otherKey, "used for another request"},
		{"another value that is bad", `"a\u0000"`, invalid, "NUL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			unchanged(t, store, func() { row.check(t, edge.SetWithKey(t, Good, row.input, longest)) })
		})
	}
}
