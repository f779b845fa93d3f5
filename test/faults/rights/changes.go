package rights

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/test/faults/cluster"
	"configapi/test/faults/record"
)

// fate is what is done to a token.
type fate int

const (
	untouched fate = iota
	isRevoked
	expires // its secret is replaced, and the one before expires soon
	losesRead
	gainsRead
	isRotated    // its secret is replaced at once
	keepsOld     // its secret is replaced, and the one before stays good
	gainsWriting // which changes nothing for its streams
	fates
)

// what names a fate in figures, and the reason with which streams end because of it; "": they go
// on.
func (f fate) what() (what, reason string) {
	switch f {
	case isRevoked:
		return "revocation", revoked
	case expires:
		return "expiry", expired
	case losesRead:
		return "READ taken", changed
	case gainsRead:
		return "READ given", changed
	case isRotated:
		return "rotation", revoked
	}
	return "", ""
}

// token is one with streams.
type token struct {
	name    string
	fate    fate
	streams []*stream

	mu      sync.Mutex // held while the token is changed; guards the following
	secret  string
	scope   []string
	made    made
	expires time.Time
}

// turmoil is the part in which rights change under load.
type turmoil struct {
	*world
	tokens []*token
	after  record.Position
	again  []*stream // those that were begun after the end of another one

	mu sync.Mutex // guards again
}

// changeRights has streams of many tokens on all nodes. It changes most tokens on one node, while
// others write on all nodes, and checks each stream against the history.
func changeRights(ctx context.Context, w *world) error {
	t := &turmoil{world: w}
	if err := t.makeTokens(ctx); err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	if err := t.openStreams(watching, &running); err != nil {
		return err
	}
	writing, stopWriting := context.WithCancel(ctx)
	var writers sync.WaitGroup
	for i, n := range w.cluster.Nodes {
		source := rand.New(rand.NewPCG(w.options.Seed, uint64(i)))
		writers.Go(func() { t.write(writing, n, source) })
	}
	err := t.changeAll(ctx)
	if err == nil {
		t.awaitEnds(ctx)
	}
	stopWriting()
	writers.Wait()
	if err != nil {
		return err
	}
	return t.finish(ctx)
}

// sharing is how many tokens read the same. Their websockets are of the same groups.
const sharing = 4

// prefixOf is a prefix that the token with a number can read, of one of two kinds.
func prefixOf(kind string, number int) string { return fmt.Sprintf("%s/%d", kind, number/sharing) }

func (t *turmoil) makeTokens(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(makers)
	for i := range t.options.Tokens {
		// Tokens that read the same have different fates, so that members of a group of streams end
		// while others go on.
		k := &token{name: fmt.Sprintf("reader%d", i), fate: fate((i + i/int(fates)) % int(fates))}
		k.scope = []string{prefixOf("first", i)}
		if k.fate == losesRead {
			k.scope = append(k.scope, prefixOf("second", i))
		}
		t.tokens = append(t.tokens, k)
		group.Go(func() (err error) {
			k.made, err = t.create(ctx, t.cluster.Nodes[0], k.name, reading(k.scope...))
			k.secret = k.made.secret
			return err
		})
	}
	return group.Wait()
}

// openStreams opens all streams, and waits until each has received a change.
func (t *turmoil) openStreams(ctx context.Context, running *sync.WaitGroup) (err error) {
	if t.after, err = t.head(ctx); err != nil {
		return err
	}
	for i, k := range t.tokens {
		for j := range StreamsOfToken {
			// Node and edge go through all pairs.
			s := t.newStream(edgeOf(j), t.cluster.Nodes[(i+j)%cluster.Nodes], fmt.Sprintf("%s.%d", k.name, j), k.secret, k.scope, t.after)
			k.streams = append(k.streams, s)
			running.Go(func() { t.follow(ctx, k, s) })
		}
	}
	if err := t.writeEverywhere(ctx); err != nil {
		return err
	}
	t.awaitFirst(ctx, t.all(), t.after)
	return nil
}

// all returns the streams of all tokens.
func (t *turmoil) all() (all []*stream) {
	for _, k := range t.tokens {
		all = append(all, k.streams...)
	}
	return all
}

// follow runs a stream, and once it has ended another one, on the same node and with what the token
// is by then.
func (t *turmoil) follow(ctx context.Context, k *token, s *stream) {
	s.run(ctx)
	if ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	secret, scope, after := k.secret, k.scope, s.at()
	if _, reason := k.fate.what(); reason == changed { // a position of before that is refused
		after = k.made.position
	}
	k.mu.Unlock()
	want := ""
	if k.fate == isRevoked || k.fate == expires {
		secret, want = s.secret, refused
	}
	next := t.newStream(s.edge, s.node, s.seen.Name+", begun anew", secret, scope, after)
	next.must(want, 0, time.Time{})
	t.mu.Lock()
	t.again = append(t.again, next)
	t.mu.Unlock()
	next.run(ctx)
}

// write sets configs of all scopes on a node until ctx ends.
func (t *turmoil) write(ctx context.Context, n *cluster.Node, source *rand.Rand) {
	for i := 0; ctx.Err() == nil; i++ {
		number := source.IntN(len(t.tokens))
		name := prefixOf([]string{"first", "second"}[i%2], number)
		if a, err := t.set(ctx, n, t.admin, name+"/"+fmt.Sprint(n.Number), fmt.Sprint(i)); err == nil && a.status == http.StatusOK {
			t.count(changesMeanwhile, 1)
		}
		cluster.Pause(ctx, time.Duration(50+source.IntN(50))*time.Millisecond)
	}
}

// writeEverywhere sets one config of each scope, all together.
func (t *turmoil) writeEverywhere(ctx context.Context) error {
	var changes []any
	for number := 0; number < len(t.tokens); number += sharing {
		for _, kind := range []string{"first", "second"} {
			changes = append(changes, map[string]any{"set": map[string]string{"name": prefixOf(kind, number) + "/all", "value": "1"}})
		}
	}
	a, err := t.ask(ctx, t.cluster.Nodes[0], t.admin, http.MethodPost, "/changes", map[string]any{"changes": changes})
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("writing to all scopes: %v", a)
	}
	return err
}

// changeAll changes all tokens in a random order, on one node.
func (t *turmoil) changeAll(ctx context.Context) error {
	for _, i := range t.rand.Perm(len(t.tokens)) {
		if err := t.change(ctx, t.tokens[i], i); err != nil {
			return err
		}
		cluster.Pause(ctx, time.Duration(5+t.rand.IntN(40))*time.Millisecond)
	}
	return nil
}

func (t *turmoil) change(ctx context.Context, k *token, number int) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := t.cluster.Nodes[0]
	first, second := prefixOf("first", number), prefixOf("second", number)
	switch k.fate {
	case untouched:
		return nil
	case isRevoked:
		k.made, err = t.revoke(ctx, n, k.name)
	case losesRead:
		k.scope = []string{first}
		k.made, err = t.regrant(ctx, n, k.name, reading(k.scope...))
	case gainsRead:
		k.scope = []string{first, second}
		k.made, err = t.regrant(ctx, n, k.name, reading(k.scope...))
	case gainsWriting:
		k.made, err = t.regrant(ctx, n, k.name, append(reading(k.scope...), grant{[]string{"WRITE"}, second}))
	case isRotated:
		k.made, err = t.rotate(ctx, n, k.name, time.Time{})
	case keepsOld:
		k.made, err = t.rotate(ctx, n, k.name, time.Now().Add(time.Hour))
	case expires:
		k.expires = time.Now().Add(time.Second + time.Duration(t.rand.IntN(3000))*time.Millisecond).Truncate(time.Microsecond)
		k.made, err = t.rotate(ctx, n, k.name, k.expires)
	}
	if k.made.secret != "" {
		k.secret = k.made.secret
	}
	t.count(tokensChanged, 1)
	return err
}

// awaitEnds waits until the streams have ended whose rights have ended or changed.
func (t *turmoil) awaitEnds(ctx context.Context) {
	var ending []*stream
	for _, k := range t.tokens {
		what, reason := k.fate.what()
		if reason == "" {
			continue
		}
		ending = append(ending, k.streams...)
		for _, s := range k.streams {
			if k.fate == expires {
				s.must(reason, 0, k.expires)
			} else {
				s.must(reason, k.made.position.Seq, time.Time{})
			}
		}
		defer func() {
			for _, s := range k.streams {
				if k.fate == expires {
					t.timeEnd(s, what, k.expires)
				} else {
					t.timeEnd(s, what, k.made.at)
				}
			}
		}()
	}
	t.world.awaitEnds(ctx, ending)
}

// finish makes one last change of each scope, waits for it, and checks all streams.
func (t *turmoil) finish(ctx context.Context) error {
	if err := t.writeEverywhere(ctx); err != nil {
		return err
	}
	if err := t.extend(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	all := append(t.all(), t.again...)
	t.mu.Unlock()
	last := map[*stream]int64{}
	for _, s := range all {
		seen := s.copied()
		if expected := seen.expected(t.history); len(expected) > 0 {
			last[s] = expected[len(expected)-1].Seq
		}
	}
	t.awaitAll(ctx, all, "to have the last change", func(s *stream) bool { return s.end() != nil || s.at().Seq >= last[s] })
	return t.checkAll(ctx, all)
}
