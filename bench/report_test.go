package main

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/test/reports"
)

var update = flag.Bool("update", false, "write the golden files anew")

// made returns a series with these rates, one per round. Latencies and CPU times follow from the
// p50.
func made(median time.Duration, rates ...int) *series {
	s := &series{Samples: samples(rates...)}
	for i := range s.Samples {
		one := &s.Samples[i]
		one.P50, one.P95, one.P99 = median, 2*median, 5*median
		one.ServerCPU = time.Duration(one.Operations) * 12500 * time.Nanosecond
		one.ClientCPU = time.Duration(one.Operations) * 4 * time.Microsecond
	}
	return s
}

// madeReport returns a report in which one cell failed.
func madeReport() *report {
	ms := time.Millisecond
	return &report{
		Options: options{
			Parts: []string{partWrites, partReads, partStart, partAsOf, partPages, partSets, partMemory, partStreams, partIdle, partNodes, partValues, partLarge, partLimits}, Stores: []string{storeSQLite, storePostgres}, Clients: []int{1, 64},
			Rounds: 3, Duration: 3 * time.Second, WarmUp: 500 * ms, Names: 10_000, Size: 64, Client: clientLean, EtcdReads: readsSerializable,
			Subscribers: []int{1000, 5000}, EtcdWatchConns: 4, IdleTime: 30 * time.Second,
			LargeValue: 1 << 20, LargeEvents: 10_000_000, LargeNames: 1_000_000,
		},
		Machine: reports.Facts{{Name: "date", Value: "2026-11-22 12:00 UTC"}, {Name: "CPU", Value: "abacus, 2 cores"}},
		Loads: measurements{
			{partWrites, "", byEtcd, 1}:               made(ms, 2500, 2600, 2700),
			{partWrites, "", byEtcd, 64}:              made(4*ms, 17000, 17000, 17000),
			{partWrites, storeSQLite, byREST, 1}:      made(ms, 3000, 3100, 2700),
			{partWrites, storeSQLite, byREST, 64}:     made(4*ms, 15300, 17000, 15900),
			{partWrites, storeSQLite, byGraphQL, 1}:   made(3*ms, 2000, 2000, 2000),
			{partWrites, storeSQLite, byGraphQL, 64}:  made(6*ms, 11000, 12000, 13000),
			{partWrites, storePostgres, byREST, 1}:    made(3*ms, 1300, 1300, 1300),
			{partWrites, storePostgres, byREST, 64}:   {Err: errors.New("1 of 64 clients failed, the first with: unexpected answer")},
			{partWrites, storePostgres, byGraphQL, 1}: made(3*ms, 1000, 1000, 1000),
			{partReads, "", byBare, 1}:                made(ms/20, 20000, 21000, 22000),
			{partReads, "", byBare, 64}:               made(2*ms, 50000, 50000, 50000),
			{partReads, "", byEtcd, 1}:                made(ms/4, 4000, 4000, 4000),
			{partReads, "", byEtcd, 64}:               made(2*ms, 37000, 37000, 37000),
			{partReads, storeSQLite, byREST, 1}:       made(ms/20, 19000, 19000, 19000),
			{partReads, storeSQLite, byREST, 64}:      made(2*ms, 41000, 39000, 40000),
			{partReads, storeSQLite, byGraphQL, 1}:    made(ms/10, 9000, 9000, 9000),
			{partReads, storeSQLite, byGraphQL, 64}:   made(6*ms, 24000, 24000, 24000),
			{partReads, storePostgres, byREST, 1}:     made(ms/20, 18000, 18000, 18000),
			{partReads, storePostgres, byREST, 64}:    made(6*ms, 39000, 39000, 39000),
			{partReads, storePostgres, byGraphQL, 1}:  made(ms/10, 9500, 9500, 9500),
			{partReads, storePostgres, byGraphQL, 64}: made(4*ms, 22000, 22000, 22000),
		},
		Starts: []startSeries{
			{storeSQLite, 1_000_000, 10_000, []oneStart{{900 * ms, 1000 * ms}, {500 * ms, 800 * ms}, {700 * ms, 900 * ms}}, nil},
			{storePostgres, 1_000_000, 10_000, []oneStart{{3100 * ms, 4 * time.Second}}, nil},
			{storeSQLite, 100_000, 10_000, []oneStart{{500 * ms, 600 * ms}}, nil},
			{storePostgres, 100_000, 10_000, nil, errors.New("the disk is full")},
		},
		Pasts: []pastSeries{
			{storeSQLite, 1_000_000, 10_000, []pastMoment{{10, 2 * ms, 101 * ms, 300 * ms}, {50, 2 * ms, 3 * ms, time.Second}}, nil},
			{storeSQLite, 1_000_000, 100, []pastMoment{{10, 2 * ms, 3 * ms, 300 * ms}}, nil},
			{storePostgres, 1_000_000, 10_000, nil, errors.New("the disk is full")},
		},
		Pages: []pagesSeries{
			{storeSQLite, 1_000_000, 10_000, []pagesRead{{"children", childrenAim, []time.Duration{4 * ms, ms, 2 * ms}}, {"difference", endsAim, []time.Duration{time.Second}}}, nil},
			{storeSQLite, 1000, 100, []pagesRead{{"children", childrenAim, []time.Duration{7 * ms}}}, nil},
			{storePostgres, 1_000_000, 10_000, nil, errors.New("the disk is full")},
		},
		Sets: measurements{
			{"apply 100", "", byEtcd, 16}:              made(3*ms, 90000, 90000, 90000),
			{"apply 100", storeSQLite, byREST, 16}:     made(4*ms, 90000, 99000, 108000),
			{"apply 1000", "", byEtcd, 1}:              made(20*ms, 60000, 60000, 60000),
			{"apply 1000", "", byEtcdMost, 1}:          made(2*ms, 66000, 66000, 66000),
			{"apply 1000", storeSQLite, byREST, 1}:     made(20*ms, 60000, 66000, 72000),
			{"apply 1000", storeSQLite, byGraphQL, 1}:  made(60*ms, 30000, 30000, 30000),
			{"apply 1000", storePostgres, byREST, 1}:   {Err: errors.New("1 of 1 clients failed")},
			{dryRun.name, storeSQLite, byREST, 1}:      made(ms, 900, 900, 900),
			{dryRun.name, storePostgres, byGraphQL, 1}: made(3*ms, 300, 300, 300),
		},
		Memory: []setMemory{
			{storeSQLite, 5_000_000, 1_000_000, 5 * time.Second, 268e6, nil}, {storeMemory, 1_000_000, 1_000_000, 6 * time.Second, 451e6, nil},
			{storePostgres, 5_000_000, 1_000_000, 0, 0, errors.New("it has ended")},
		},
		Values: measurements{
			{loadValues, "", byEtcd, 1}:            made(6*ms, 100, 110, 120),
			{loadValues, storeSQLite, byREST, 1}:   made(5*ms, 110, 121, 132),
			{loadValues, storePostgres, byREST, 1}: {Err: errors.New("the quota is used up")},
		},
		Large: []largeSeries{
			{storeSQLite, []largeFact{{"start until /readyz", "5.00 s"}, {"auto_vacuum", "false"}}, nil},
			{storePostgres, []largeFact{{"start until /readyz", "4.00 s"}}, errors.New("starting: it has ended")},
		},
		Limits: []limitRow{
			{"REST read, one client", oneTrip, "ms", []float64{0.05, 0.04, 0.06}, []float64{0.04, 0.04, 0.03}, nil},
			{"start", "a start of the program", "ms", nil, nil, nil},
			{"set", "an fdatasync", "ms", nil, nil, errors.New("measuring the limit: no space")},
		},
		Streams: madeStreams(),
		Nodes: measurements{
			{partWrites, storePostgres, "1 node", 192}:                 made(20*ms, 8000, 9000, 10000),
			{partWrites, storePostgres, "2 nodes", 192}:                {Err: errors.New("2 of 192 clients failed")},
			{partWrites, storePostgres, "3 nodes", 192}:                made(25*ms, 6000, 6750, 7400),
			{partWrites, storePostgres, "1 node of 1 processor", 192}:  made(20*ms, 4000, 4500, 5000),
			{partWrites, storePostgres, "3 nodes of 1 processor", 192}: made(25*ms, 4200, 4500, 5100),
			{loadPaced, "", "1 node", 1000}:                            made(10*ms, 100000, 100000, 100000),
			{loadPaced, "", "2 nodes", 1000}:                           made(19*ms, 100000, 100000, 100000),
			{loadPaced, "", "3 nodes", 1000}:                           made(20*ms, 100000, 100000, 100000),
			{loadBusy, "", "1 node", 1}:                                made(2*ms, 5000, 4990, 4980),
			{loadBusy, "", "2 nodes", 1}:                               made(2*ms, 4000, 4000, 4000),
			{loadBusy, "", "3 nodes", 1}:                               made(16*ms, 5000, 5000, 5000),
		},
	}
}

// delivered returns a series without times, with these costs per delivery in each round, in µs.
func delivered(costs ...int) *series {
	s := made(0, 90000, 100000, 110000)
	for i := range s.Samples {
		s.Samples[i].ServerCPU = time.Duration(s.Samples[i].Operations*costs[i]) * time.Microsecond
	}
	return s
}

// madeStreams returns streams that reach some aims and miss others.
func madeStreams() streams {
	const ms = time.Millisecond
	alone := delivered(2, 2, 2)
	for i := range alone.Samples {
		alone.Samples[i].P50, alone.Samples[i].P99 = ms/2, 2*ms
	}
	return streams{
		Loads: measurements{
			{loadSingle, "", byConfigapi, 1000}:  delivered(12, 13, 14),
			{loadSingle, "", byGqlgen, 1000}:     delivered(24, 25, 26),
			{loadSingle, "", byEtcd, 1000}:       delivered(13, 13, 13),
			{loadSingle, "", byEtcdEach, 1000}:   delivered(20, 20, 20),
			{loadBurst, "", byConfigapi, 1000}:   delivered(4, 4, 4),
			{loadBurst, "", byGqlgen, 1000}:      delivered(10, 10, 10),
			{loadPaced, "", byConfigapi, 1000}:   made(10*ms, 100000, 100000, 100000),
			{loadPaced, "", byGqlgen, 1000}:      made(20*ms, 50000, 50000, 50000),
			{loadStalled, "", byConfigapi, 1000}: made(19*ms, 100000, 100000, 100000),
			{loadStalled, "", byGqlgen, 1000}:    made(60*ms, 50000, 50000, 50000),
			{loadSingle, "", byConfigapi, 5000}:  delivered(16, 16, 16),
			{loadSingle, "", byGqlgen, 5000}:     {Err: errors.New("subscriber 7: position 43 came after 41")},
			{loadPaced, "", byConfigapi, 5000}:   made(30*ms, 100000, 100000, 100000),
			{loadSingle, "", byShared, 1000}:     alone,
			{loadSingle, "", byEtcdShared, 1000}: delivered(4, 4, 4),
			{loadPaced, "", byShared, 1000}:      made(ms, 100000, 100000, 100000),
			{loadSingle, "", byTLS, 1000}:        delivered(18, 18, 18),
		},
		Idle: []idleMemory{
			{By: byConfigapi, Subscribers: 10_000, Before: 30e6, After: 280e6, Later: 330e6, Single: sample{P50: 60 * time.Millisecond, P99: 90 * time.Millisecond}},
			{By: byGqlgen, Subscribers: 10_000, Err: errors.New("10000 subscribers need 10300 open files")},
			{By: byEtcd, Subscribers: 10_000, Before: 30e6, After: 40e6, Later: 40e6},
			{By: byConfigapi, Subscribers: 50_000, Err: &tooManyFiles{50_000, 50_300, 20_000}},
		},
	}
}

func TestReport(t *testing.T) {
	const golden = "testdata/report.md"
	got := madeReport().markdown()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the report differs from %s (-update writes it anew):\n%s", golden, got)
	}
}

func TestFailedMeasurementsFailTheRun(t *testing.T) {
	r := madeReport()
	for _, want := range []string{"1 of 64 clients failed", "start on store postgres: the disk is full", "past on store postgres: the disk is full", "43 came after 41", "the quota is used up", "large history in store postgres: starting: it has ended", "set: measuring the limit: no space", "10300 open files", "2 of 192 clients failed", "large set in store postgres: it has ended",
		"pages of store postgres: the disk is full", "1 of 1 clients failed"} {
		if err := r.failures(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	delete(r.Loads, cell{partWrites, storePostgres, byREST, 64})
	r.Starts, r.Pasts, r.Pages, r.Memory, r.Streams = r.Starts[:1], r.Pasts[:1], r.Pages[:1], r.Memory[:1], streams{}
	delete(r.Values, cell{loadValues, storePostgres, byREST, 1})
	r.Large, r.Limits = r.Large[:1], r.Limits[:2]
	delete(r.Sets, cell{"apply 1000", storePostgres, byREST, 1})
	delete(r.Nodes, cell{partWrites, storePostgres, "2 nodes", 192})
	if err := r.failures(); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

func TestReportOfAPartHoldsNothingElse(t *testing.T) {
	r := madeReport()
	r.Options.Parts = []string{partStart}
	r.Loads, r.Starts, r.Pasts, r.Pages, r.Sets, r.Memory, r.Streams, r.Nodes = nil, r.Starts[:1], nil, nil, nil, nil, streams{}, nil
	r.Values, r.Large, r.Limits = nil, nil, nil
	got := r.markdown()
	if !strings.Contains(got, "## Start") || strings.Count(got, "## ") != 1 {
		t.Errorf("got %s", got)
	}
}

func TestSettingsShowNoSecrets(t *testing.T) {
	got := settings([]string{"HOME=/root", "GOGC=200", "GOFLAGS=-v", "CONFIGAPI_STORE=postgres://u:secret@h/d", "CONFIGAPI_LOG=json"})
	if want := []string{"GOGC=200", "CONFIGAPI_STORE", "CONFIGAPI_LOG"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
