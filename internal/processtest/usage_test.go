package processtest

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]processStat{
		"42 (configapi) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 8 0 100 0 0":           {42, 7, 2 * time.Second},
		"42 (a) (b 9 9) R 7 42 42 0 -1 4194560 100 0 0 0 1 0 0 0 20 0 8 0 100 0 0":              {42, 7, 10 * time.Millisecond},
		"9 (postgres: io worker) S 8 9 9 0 -1 4194560 100 0 0 0 0 3 0 0 20 0 8 0 100 0 0 0 0\n": {9, 8, 30 * time.Millisecond},
	} {
		if got, ok := parseStat([]byte(stat)); !ok || got != want {
			t.Errorf("%q: got %+v %v, want %+v", stat, got, ok, want)
		}
	}
	for _, stat := range []string{"", "42", "42 (x", ") 42 (", "42 (x) S 7", "x (x) S 7 42 42 0 -1 4194560 100 0 0 0 1 0 0"} {
		if got, ok := parseStat([]byte(stat)); ok {
			t.Errorf("%q: got %+v, want nothing", stat, got)
		}
	}
}

func TestParseStatus(t *testing.T) {
	got, err := parseStatus("Name:\tconfigapi\nVmPeak:\t  900 kB\nVmHWM:\t   200 kB\nVmRSS:\t   100 kB\nThreads:\t9\n")
	if want := (Memory{Resident: 100 << 10, Peak: 200 << 10}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, status := range []string{"", "Name:\tended\nState:\tZ\n", "\nVmHWM: 2 kB\n", "\nVmRSS: many kB\nVmHWM: 2 kB\n"} {
		if got, err := parseStatus(status); err == nil {
			t.Errorf("%q: got %+v, want an error", status, got)
		}
	}
}
