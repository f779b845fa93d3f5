package rest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"configapi/client/rest"
)

// TestTextsThatAreNotUTF8: a text is written as it is, or not at all.
func TestTextsThatAreNotUTF8(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	defer server.Close()
	c, err := rest.New(rest.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wrong := "a\xff"
	set := func(changes ...rest.Change) error {
		_, err := c.Apply(t.Context(), rest.ChangeSet{Changes: changes}, rest.NewKey())
		return err
	}
	_, reason := c.Apply(t.Context(), rest.ChangeSet{Reason: wrong}, rest.NewKey())
	_, ofSet := c.RevertSet(t.Context(), rest.RevertSet{ChangeSet: "1-00000000", Reason: wrong}, rest.NewKey())
	_, ofAll := c.RevertTo(t.Context(), rest.RevertTo{To: "1-00000000", Prefix: wrong}, rest.NewKey())
	for what, err := range map[string]error{
		"the name of a set":       set(rest.Change{Set: &rest.Set{Name: wrong}}),
		"the value of a set":      set(rest.Change{Set: &rest.Set{Name: "a", Value: "a"}}, rest.Change{Set: &rest.Set{Name: "b", Value: wrong}}),
		"the name of a deletion":  set(rest.Change{Delete: &rest.Delete{Name: wrong}}),
		"the value of a restored": set(rest.Change{Restore: &rest.Restore{Name: "a", Value: &wrong}}),
		"the reason of a set":     reason,
		"the reason of a revert":  ofSet,
		"the prefix of a revert":  ofAll,
	} {
		failed, is := errors.AsType[*rest.Error](err)
		if !is || failed.Outcome != rest.NotSent || failed.Code != rest.CodeInvalidInput || !strings.Contains(failed.Message, "UTF-8") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
