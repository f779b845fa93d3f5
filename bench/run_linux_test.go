package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// TestRunOfStreams runs the part that needs Linux, with real servers and few subscribers.
func TestRunOfStreams(t *testing.T) {
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", t.TempDir(), "-only", "streams,idle", "-stores", "sqlite", "-subscribers", "20", "-idle", "30", "-idle-time", "0s",
		"-rounds", "1", "-duration", "300ms", "-warmup", "10ms", "-names", "50", "-etcd-watch-conns", "3",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	rows := 0
	for _, l := range streamLoads {
		rows += strings.Count(report, "\n| "+l.name+" ")
	}
	// 7 contenders; etcd's watchers and those over TLS do not stall.
	if want := len(streamLoads)*7 - 4; rows != want || strings.Contains(report, failed) {
		t.Errorf("got %d rows of what was measured, want %d, none failed:\n%s", rows, want, report)
	}
	if strings.Count(report, " kB ") < 7 {
		t.Errorf("the report lacks the memory of idle subscribers:\n%s", report)
	}
}

// TestRunOfRights runs the part with tokens and few subscribers.
func TestRunOfRights(t *testing.T) {
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", t.TempDir(), "-only", "rights", "-stores", "sqlite", "-subscribers", "20,30",
		"-rounds", "1", "-duration", "300ms", "-warmup", "10ms", "-names", "50",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	for row, want := range map[string]int{
		"\n| get REST ": 2, "\n| get GraphQL ": 2, "\n| put REST ": 2, "\n| single ": 2, "| 20          |": 2, "\n| 10000 ": 1, " kB ": 4,
	} {
		if got := strings.Count(report, row); got != want {
			t.Errorf("got %d times %q, want %d", got, row, want)
		}
	}
	if t.Failed() || strings.Contains(report, failed) {
		t.Errorf("got\n%s", report)
	}
}

// TestTokensOfRights: no token has more grants than it may, and the scopes of subscribers differ
// only where each must have its own.
func TestTokensOfRights(t *testing.T) {
	for by, want := range map[string]struct{ tokens, grants, scopes int }{
		byOneGrant: {1, 1, 0}, byManyGrants: {1, manyGrants, 0}, byOneScope: {8, 1, 1}, byManyScopes: {8, 1, 7},
	} {
		tokens := grantsOf(by, 7)
		scopes := map[string]bool{}
		for _, grants := range tokens[1:] {
			scopes[fmt.Sprint(grants)] = true
		}
		if len(tokens) != want.tokens || len(tokens[0]) != want.grants || len(scopes) != want.scopes {
			t.Errorf("%s: got %d tokens, the first with %d grants, and %d scopes", by, len(tokens), len(tokens[0]), len(scopes))
		}
	}
}

// TestRefusedSubscribersDoNotFailTheRun: the report says why there are no figures.
func TestRefusedSubscribersDoNotFailTheRun(t *testing.T) {
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", t.TempDir(), "-only", "idle", "-stores", "sqlite", "-idle", "1000000000", "-publishers", "configapi,configapi 100:1",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	if strings.Count(report, "| refused ") != 2 || !strings.Contains(report, "- configapi: 1000000000 subscribers need 1000000300 open files") {
		t.Errorf("got\n%s", report)
	}
}

func TestSubscribersThatTheLimitOfFilesDoesNotAllowAreRefused(t *testing.T) {
	_, err := joinCrowd(t.Context(), "127.0.0.1:1", 1<<30, 1, false, nil, newTally(1<<30))
	if err == nil || !strings.Contains(err.Error(), "open files") {
		t.Errorf("got %v, want the limit named", err)
	}
}

// TestCrowdsHaveEnoughPorts: beyond what one address has ports for, connections come from the next
// one.
func TestCrowdsHaveEnoughPorts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for connection, want := range map[int]string{0: "127.0.0.1", perSource - 1: "127.0.0.1", perSource: "127.0.0.2", 50_000: "127.0.0.3"} {
		fd, err := dialRaw(netip.MustParseAddrPort(listener.Addr().String()), sourceOf(connection), false)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.RemoteAddr().(*net.TCPAddr).IP.String(); got != want {
			t.Errorf("connection %d comes from %s, want %s", connection, got, want)
		}
		if err := errors.Join(conn.Close(), syscall.Close(fd)); err != nil {
			t.Error(err)
		}
	}
}

func TestLostConnectionVoidsAMeasurement(t *testing.T) {
	o := testOptions(t)
	r := newTestRig(t, o)
	p, err := r.startGqlgen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSession(t.Context(), &p, 5, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p.process.Kill()
	if err := s.tally.awaitBehind(t.Context(), -1); err == nil || !strings.Contains(err.Error(), "subscriber") {
		t.Errorf("got %v, want the subscriber's error", err)
	}
}

// TestRunOfNodes runs the part with several nodes and few subscribers.
func TestRunOfNodes(t *testing.T) {
	t.Setenv(postgresVariable, "")
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", postgresOptions(t).Dir, "-only", "nodes", "-subscribers", "40,20",
		"-rounds", "1", "-duration", "300ms", "-warmup", "10ms", "-names", "50",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	rows := strings.Count(report, "\n| writes | postgres ") + strings.Count(report, "\n| paced  | ")
	watched := 0
	for _, setup := range nodeSetups {
		if setup.isWatched() {
			watched++
		}
	}
	if want := len(nodeSetups) + watched; rows != want || strings.Contains(report, failed) {
		t.Errorf("got %d rows of what was measured, want %d, none failed:\n%s", rows, want, report)
	}
	if strings.Count(report, "| 20          |") != watched {
		t.Errorf("the report lacks the 20 subscribers:\n%s", report)
	}
}
