package main

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOptionsOfAFullRun(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.Duration != 2*time.Second || o.Rounds != 3 || o.Names != 10_000 || o.Size != 64 || o.Events != 1_000_000 {
		t.Errorf("got %+v", o)
	}
	if !slices.Equal(o.Clients, []int{1, 16, 64, 256}) || !slices.Equal(o.Stores, []string{storeSQLite, storePostgres}) {
		t.Errorf("got %v clients of %v", o.Clients, o.Stores)
	}
	if !slices.Equal(o.Subscribers, []int{1000}) || !slices.Equal(o.Idle, []int{10_000, 50_000}) || o.IdleTime != 15*time.Second {
		t.Errorf("got %v subscribers, %v idle for %v", o.Subscribers, o.Idle, o.IdleTime)
	}
	if !slices.Equal(o.Publishers, publishersInReport) {
		t.Errorf("got publishers %v", o.Publishers)
	}
	if !o.has(partWrites) || !o.has(partReads) || !o.has(partStart) || !o.has(partAsOf) || !o.has(partMemory) || !o.has(partStreams) || !o.has(partIdle) || !o.has(partValues) || !o.has(partLimits) || !o.has(partNodes) {
		t.Errorf("got parts %v", o.Parts)
	}
}

func TestQuickShortensWhatIsNotGiven(t *testing.T) {
	o, err := parseOptions([]string{"-quick", "-rounds", "2", "-clients", "8"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.Duration != time.Second || o.WarmUp != 300*time.Millisecond || o.Rounds != 2 || !slices.Equal(o.Clients, []int{8}) {
		t.Errorf("got %+v", o)
	}
	if !slices.Equal(o.Subscribers, []int{200}) || !slices.Equal(o.Idle, []int{1000}) || o.IdleTime != 0 {
		t.Errorf("got %v subscribers, %v idle for %v", o.Subscribers, o.Idle, o.IdleTime)
	}
	if o, err = parseOptions([]string{"-quick", "-duration", "2s", "-warmup", "0s"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if o.Duration != 2*time.Second || o.WarmUp != 0 || o.Rounds != 1 || o.Events != 100_000 || !slices.Equal(o.Clients, []int{1, 64}) {
		t.Errorf("got %+v", o)
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	for _, test := range [][]string{
		{"-only", "writes,deletes"},
		{"-stores", "mysql"},
		{"-client", "curl"},
		{"-etcd-reads", "dirty"},
		{"-clients", "1,,2"},
		{"-clients", "0"},
		{"-duration", "1ms"},
		{"-warmup", "-1s"},
		{"-rounds", "0"},
		{"-names", "0"},
		{"-names", "1000001"},
		{"-value-size", "11"},
		{"-start-events", "0"},
		{"-etcd-conns", "-1"},
		{"-etcd-watch-conns", "-1"},
		{"-subscribers", "0"},
		{"-subscribers", "many"},
		{"-idle", "0"},
		{"-idle-time", "-1s"},
	} {
		_, err := parseOptions(test, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test[0]) {
			t.Errorf("%v: got %v, want an error that names the flag", test, err)
		}
	}
	if _, err := parseOptions([]string{"writes"}, io.Discard); err == nil || !strings.Contains(err.Error(), `"writes"`) {
		t.Errorf("got %v, want an error that names the argument", err)
	}
}

func TestHelpNamesAllFlags(t *testing.T) {
	var help strings.Builder
	if _, err := parseOptions([]string{"-help"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v, want flag.ErrHelp", err)
	}
	for _, name := range []string{"-only", "-stores", "-clients", "-quick", "-out", "-dir"} {
		if !strings.Contains(help.String(), name+" ") && !strings.Contains(help.String(), name+"\n") && !strings.Contains(help.String(), name+"\t") {
			t.Errorf("help does not name %s", name)
		}
	}
}
