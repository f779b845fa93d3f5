package clientcmd_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestKilledServerDuringImport kills the server at random moments of an import of several change
// sets, and starts it again. The same command again ends the import: each setting is made once.
func TestKilledServerDuringImport(t *testing.T) {
	const settings = 3000
	k := newKillable(t)
	p := process{env: map[string]string{"CONFIGAPI_URL": k.URL("")}}
	file := write(t, t.TempDir(), "a.env", manySettings(settings))
	codes := map[int]int{}
	for round := 0; ; round++ {
		ended := make(chan result, 1)
		go func() { ended <- p.run(t, "import", file) }()
		if round < 4 {
			<-time.After(time.Duration(rand.Int64N(int64(150 * time.Millisecond))))
			k.Kill()
			k.start(t)
		}
		got := <-ended
		codes[got.code]++
		made := strings.Contains(got.stderr, "run the same command again")
		switch {
		case got.code == 0, got.code == 7:
		case got.code == 6 && !made: // nothing was sent
		default:
			t.Fatalf("got %+v", got)
		}
		if got.code == 0 && round >= 4 {
			break
		}
		if round > 20 {
			t.Fatalf("the import does not end: %+v", got)
		}
	}
	t.Logf("exit codes: %v", codes)
	var found []struct {
		Name, Value string
		Version     int
	}
	if err := json.Unmarshal([]byte(p.run(t, "list", "-o", "json").must(t, 0).stdout), &found); err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		if want := "value " + strings.TrimPrefix(c.Name, "SETTING_"); c.Value != want || c.Version != 1 {
			t.Fatalf("got %+v, want version 1 of %q", c, want)
		}
	}
	if len(found) != settings {
		t.Errorf("%d settings are there, want %d", len(found), settings)
	}
}
