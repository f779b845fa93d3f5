package main

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
