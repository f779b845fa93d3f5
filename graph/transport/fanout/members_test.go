package fanout

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// named is a connection that is not equal to any other.
type named struct {
	nowhere
	name int
}

// TestMembersOfAConnectionStayTogether has subscribers of several connections come and go at
// random. Each is there once, beside those of its connection, and no connection is divided among
// shares.
func TestMembersOfAConnectionStayTogether(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var connections []Connection
	for name := range 5 {
		connections = append(connections, &named{name: name})
	}
	var ms members
	var want []*Subscriber
	for range 2000 {
		if len(want) > 0 && random.IntN(5) < 2 {
			i := random.IntN(len(want))
			ms.remove(want[i])
			want = slices.Delete(want, i, i+1)
		} else {
			s := &Subscriber{connection: connections[random.IntN(len(connections))]}
			ms.add(s)
			want = append(want, s)
		}
		got := ms.appendTo(nil)
		if ms.count != len(want) || len(got) != len(want) {
			t.Fatalf("got %d members, %d in all, want %d", ms.count, len(got), len(want))
		}
		for _, s := range want {
			if !slices.Contains(got, s) {
				t.Fatal("a subscriber is missing")
			}
		}
		ended := map[Connection]bool{}
		for i, s := range got {
			if ended[s.connection] {
				t.Fatalf("member %d stands apart from the others on its connection", i)
			}
			ended[s.connection] = i+1 < len(got) && got[i+1].connection != s.connection
		}
		checkShares(t, got)
	}
	for _, s := range want {
		ms.remove(s)
	}
	if ms.count != 0 || len(ms.connections) != 0 || len(ms.byConnection) != 0 {
		t.Errorf("%+v is left of members that have gone", ms)
	}
}

// checkShares checks that shares are all of the members in order, that none but the last is small,
// and that none ends within a connection.
func checkShares(t *testing.T, members []*Subscriber) {
	t.Helper()
	shares := sharesOf(members)
	if !slices.Equal(slices.Concat(shares...), members) {
		t.Fatal("the shares are not all of the members in order")
	}
	for i, share := range shares[:max(len(shares)-1, 0)] {
		if len(share) < shareSize || share[len(share)-1].connection == shares[i+1][0].connection {
			t.Fatalf("share %d of %d members ends within a connection, or too early", i, len(share))
		}
	}
}
