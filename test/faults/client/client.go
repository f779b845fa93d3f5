// Package client generates the load: clients that write, read and watch, each on a node at random.
// They record what they receive, and check nothing.
package client

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

const (
	// dialTimeout and requestTimeout bound the wait of a client. A request without an answer by
	// then has an unknown outcome.
	dialTimeout    = time.Second
	requestTimeout = 3 * time.Second
	// slow is the time from which an answer counts as delayed. A node itself needs a few
	// milliseconds.
	slow = 150 * time.Millisecond
	// maxTries bounds the attempts of a write with an idempotency key.
	maxTries = 6
)

// Counts are what clients have seen of one node.
type Counts struct {
	Done        atomic.Int64 // acknowledged writes
	Broken      atomic.Int64 // requests and streams without a complete answer
	Unavailable atomic.Int64 // answers 503
	Slow        atomic.Int64
	Restarting  atomic.Int64 // streams that were closed with 1012
	Refused     atomic.Int64 // positions that were refused as unknown
}

// World is what all clients of a round share.
type World struct {
	Cluster  *cluster.Cluster
	Record   *record.Recorder
	Features Features
	// Prefix is the first segment of all names of the round. The names have no earlier events.
	Prefix string
	// Base is the position at which the round began. All events of the round are after it.
	Base record.Position
	// Forks is set when the round may lose the newest events of the history. Positions may become
	// unknown then.
	Forks bool
	// Busy is the number of the node that gets most requests. With an equal load most appends lose
	// the race to another node, and failures after a successful append are seldom seen.
	Busy   int
	Counts [cluster.Nodes]Counts
}

// Node returns a random node: the busy one in two of three cases.
func (w *World) Node(rand *rand.Rand) *cluster.Node {
	if rand.IntN(2) == 0 {
		return w.Cluster.Nodes[w.Busy]
	}
	return w.Cluster.Nodes[rand.IntN(cluster.Nodes)]
}

// names is the number of configs that single writes of a round compete for.
const names = 8

// Client is one client. It sends one request at a time, and is not safe for concurrent use.
type Client struct {
	world  *World
	number int
	rand   *rand.Rand
	http   *http.Client
	writes int
	known  map[string]known // :: name → the last state that this client saw
	last   record.Position  // of the newest acknowledged write
	// undoable is the newest change set of the client that it may undo, nil for none.
	undoable *made
	large    int // large change sets so far
}

// known is the last state of a config that a client saw.
type known struct {
	version int
	deleted bool
}

// New returns a client. The seed determines its requests, as far as they do not depend on answers.
func New(w *World, number int, seed uint64) *Client {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxIdleConnsPerHost: 1,
		DisableCompression:  true,
	}
	return &Client{
		world: w, number: number, rand: rand.New(rand.NewPCG(seed, uint64(number))),
		http: &http.Client{Transport: transport, Timeout: requestTimeout}, known: map[string]known{},
	}
}

// Close frees the client's connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Run writes and reads until ctx ends. It finishes a request in flight first.
func (c *Client) Run(ctx context.Context) {
	defer c.Close()
	for ctx.Err() == nil {
		n := c.node()
		past := 3 // percent of the requests, for each of the two reads of the past
		if c.world.Forks {
			past = 10 // such reads could mix two histories
		}
		switch dice := c.rand.IntN(100); {
		case dice < past:
			c.history(n, c.name())
		case dice < 2*past:
			c.asOf(n)
		case dice < 32:
			c.get(n, c.name())
		case dice < 35:
			c.several(n)
		case dice < 38:
			c.page(n)
		case dice < 94 && c.rand.IntN(2) == 0:
			c.changeTogether(n)
		case dice < 94:
			c.change(n)
		default:
			c.list(n)
		}
		cluster.Pause(ctx, time.Duration(c.rand.IntN(4000))*time.Microsecond)
	}
}

// WriteUntilAcknowledged writes to a name of its own through a node until a write is acknowledged,
// and returns its position. It returns false when ctx ends first.
func (c *Client) WriteUntilAcknowledged(ctx context.Context, n *cluster.Node) (record.Position, bool) {
	for ctx.Err() == nil {
		w := c.newWrite(record.Set, c.world.Prefix+"/probe/"+strconv.Itoa(c.number))
		c.send(n, w, w.ID+checker.Separator)
		if w.Outcome == record.Done {
			return w.Position, true
		}
		cluster.Pause(ctx, 20*time.Millisecond)
	}
	return record.Position{}, false
}

// Await asks a node directly, not through its link, until it has applied a seq. It returns false
// when ctx ends first.
func (c *Client) Await(ctx context.Context, n *cluster.Node, position int64) bool {
	for ctx.Err() == nil {
		read := &record.Read{}
		answer, err := c.request(ctx, n.Address(), http.MethodGet, "/config/none", nil, nil)
		if err == nil && locate(read, answer) && read.Position.Seq >= position {
			return true
		}
		cluster.Pause(ctx, 2*time.Millisecond)
	}
	return false
}

// WriteLarge sets one config count times to values of a size, and then to a small one. It returns
// how many of the large values were acknowledged.
func (c *Client) WriteLarge(ctx context.Context, count, bytes int) (acknowledged int) {
	name := c.world.Prefix + "/large"
	for range count {
		if ctx.Err() != nil {
			return acknowledged
		}
		w := c.newWrite(record.Set, name)
		c.send(c.node(), w, w.ID+checker.Separator+strings.Repeat("x", bytes))
		if w.Outcome == record.Done {
			acknowledged++
		}
	}
	w := c.newWrite(record.Set, name)
	c.send(c.node(), w, w.ID+checker.Separator)
	return acknowledged
}

func (c *Client) node() *cluster.Node { return c.world.Node(c.rand) }

func (c *Client) name() string { return c.nameOf(c.rand.IntN(names)) }

// nameOf is the name of a config that clients compete for. Only change sets change those from
// number [names] on.
func (c *Client) nameOf(number int) string {
	return c.world.Prefix + "/" + Shared + "/" + strconv.Itoa(number)
}

// Shared is the second segment of the names that clients compete for.
const Shared = "shared"

func (c *Client) newWrite(kind record.Kind, name string) *record.Write {
	c.writes++
	id := c.world.Prefix + "." + strconv.Itoa(c.number) + "." + strconv.Itoa(c.writes)
	return &record.Write{ID: id, Client: c.number, Kind: kind, Name: name}
}

// change sends one change that has a fair chance to be allowed.
func (c *Client) change(n *cluster.Node) {
	name := c.name()
	k := c.known[name]
	kind := record.Set
	switch dice := c.rand.IntN(10); {
	case k.deleted && dice < 7:
		kind = record.Restore
	case !k.deleted && dice < 1:
		kind = record.Delete
	}
	w := c.newWrite(kind, name)
	if expects := kind != record.Restore && c.rand.IntN(3) == 0; expects && (k.version > 0 || kind == record.Set) {
		w.Expected = &k.version
	}
	value := ""
	if kind != record.Delete {
		value = w.ID + checker.Separator + strings.Repeat("v", c.rand.IntN(200))
	}
	c.send(n, w, value)
}

// send sends a write, with an idempotency key also several times, and records it.
func (c *Client) send(n *cluster.Node, w *record.Write, value string) {
	w.Value = history.Digest(value)
	w.Call = c.world.Record.Now()
	for {
		w.Tries++
		w.Where = record.Where{Node: n.Number, Incarnation: n.Incarnation()}
		before := time.Now()
		if w.Kind == record.Delete || w.Kind == record.Set && len(w.ID)%2 == 0 {
			c.mutate(n, w, value)
		} else {
			c.put(n, w, value)
		}
		c.count(n, before, w)
		if w.Tries > 1 && w.Outcome != record.Done {
			w.Outcome, w.Refusal, w.Version = record.Unknown, 0, 0 // an earlier attempt may still be written
		}
		if !c.again(w) {
			break
		}
		n = c.node()
	}
	w.Return = c.world.Record.Now()
	if n.Incarnation() != w.Incarnation {
		w.Incarnation = record.Unsure
	}
	c.learn(w)
	c.world.Record.Write(w)
}

// learn remembers the state of the config that an answer shows.
func (c *Client) learn(w *record.Write) {
	before := c.known[w.Name]
	switch {
	case w.Outcome == record.Done:
		c.known[w.Name] = known{w.Version, w.Kind == record.Delete}
		c.last = w.Position
	case w.Refusal == record.Conflict:
		c.known[w.Name] = known{w.Version, false}
	case w.Refusal == record.Gone:
		c.known[w.Name] = known{before.version, true}
	case w.Refusal == record.NotDeleted:
		c.known[w.Name] = known{before.version, false}
	}
}

// again reports whether to send a write again: its outcome is unknown, and it has a key that
// prevents a second effect.
func (c *Client) again(w *record.Write) bool {
	return w.Outcome == record.Unknown && c.key(w) != "" && w.Tries < maxTries
}

// key is the idempotency key of a write, "" for none. Three of ten writes have none even where
// servers take keys: the promises hold without keys as well.
func (c *Client) key(w *record.Write) string {
	if !c.world.Features.Keys || strings.ContainsAny(w.ID[len(w.ID)-1:], "012") {
		return ""
	}
	return w.ID
}

func (c *Client) count(n *cluster.Node, before time.Time, w *record.Write) {
	counts := &c.world.Counts[n.Number]
	if w.Outcome == record.Done {
		counts.Done.Add(1)
	}
	if time.Since(before) >= slow {
		counts.Slow.Add(1)
	}
}
