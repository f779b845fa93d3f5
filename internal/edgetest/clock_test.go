package edgetest_test

import (
	"strings"
	"testing"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// TestClocksThatAreApart runs servers whose clocks are wrong. Only a store on another server has a
// clock to compare with.
func TestClocksThatAreApart(t *testing.T) {
	t.Parallel()
	for kind, open := range databases {
		d := open(t)
		for says, offset := range map[string]time.Duration{
			"":                            0,
			`s ahead of the database's: `: time.Minute,
			`s behind the database's: `:   -time.Minute,
		} {
			now := func() time.Time { return time.Now().Add(offset) }
			store := configstoretest.On(t, d.Store, configstore.Options{Now: now})
			s := start(t, httpd.New(httpd.Options{Store: store.Store, REST: rest.New(store.Store, rest.Options{})}))
			if kind == "sqlite" {
				says = ""
			}
			status, answer := s.ask(t, "GET /health", "", "")
			if status != 200 || strings.Contains(answer, `"clock"`) != (says != "") || !strings.Contains(answer, says) {
				t.Errorf("%s, %v: got %d %s, want %q", kind, offset, status, answer, says)
			}
		}
	}
}
