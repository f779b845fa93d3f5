package configstoretest

import (
	"strings"
	"testing"

	"configapi/internal/auth"
)

// Caller returns a caller with grants such as READ,WRITE:payments, whose prefix may be empty.
func Caller(t testing.TB, name string, grants ...string) auth.Caller {
	t.Helper()
	list := make([]auth.Grant, len(grants))
	for i, text := range grants {
		actions, prefix, _ := strings.Cut(text, ":")
		list[i].Prefix = prefix
		for action := range strings.SplitSeq(actions, ",") {
			list[i].Actions = append(list[i].Actions, must(auth.ParseAction(action)))
		}
	}
	return auth.Caller{Name: name, Grants: must(auth.NewGrants(list...))}
}
