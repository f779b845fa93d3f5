package main

import (
	"testing"
	"time"
)

// testOptions are options of a rig that builds nothing.
func testOptions(t *testing.T) options {
	t.Helper()
	return options{
		Dir: t.TempDir(), Binary: "none", Client: clientLean, EtcdReads: readsSerializable,
		Names: 100, Size: 64, Rounds: 1, Duration: 200 * time.Millisecond, Clients: []int{3},
		Parts: []string{partWrites, partReads},
	}
}

// newTestRig returns a rig that is closed at the end of the test.
func newTestRig(t *testing.T, o options) *rig {
	t.Helper()
	r, err := newRig(t.Context(), o)
	t.Cleanup(r.close)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBareHandlerUnderLoadOfBothClients(t *testing.T) {
	for _, client := range []string{clientLean, clientNetHTTP} {
		o := testOptions(t)
		o.Client = client
		bare, err := newTestRig(t, o).startBare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := measure(t.Context(), o, bare, cell{Part: partReads, By: byBare, Clients: 3})
		if err != nil || got.Operations < 10 || got.P50 <= 0 || got.P99 < got.P50 {
			t.Errorf("%s: got %+v, %v", client, got, err)
		}
	}
}

func TestEtcdUnderLoad(t *testing.T) {
	o := testOptions(t)
	r := newTestRig(t, o)
	etcd, err := r.startEtcd(t.Context(), "load", r.options) // also writes all names
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range o.Parts {
		got, err := measure(t.Context(), o, etcd, cell{Part: part, By: byEtcd, Clients: 3})
		if err != nil || got.Operations < 5 {
			t.Errorf("%s: got %+v, %v", part, got, err)
		}
	}
	o.Names = 101 // one more than exist: a get that finds nothing is an error
	o.Duration = 10 * time.Second
	if got, err := measure(t.Context(), o, etcd, cell{Part: partReads, By: byEtcd, Clients: 3}); err == nil {
		t.Errorf("got %+v, want an error", got)
	}
}
