// Package client is the load: clients that write, read and watch, and that hop from node to node. They record what they are
// told, and judge nothing.
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
	// dialTimeout and requestTimeout are a client's patience. What is not answered by then has an unknown outcome.
	dialTimeout    = time.Second
	requestTimeout = 3 * time.Second
	// slow is from when on an answer counts as delayed: a node's own work takes a few milliseconds.
	slow = 150 * time.Millisecond
	// maxTries is how often a write with an idempotency key is sent until its client gives up.
	maxTries = 6
)

// Counts are what clients have seen of one node.
type Counts struct {
	Done        atomic.Int64 // acknowledged writes
	Broken      atomic.Int64 // requests and streams without a whole answer
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
	// Prefix is the first segment of all names of the round. Nothing has happened to them before.
	Prefix string
	// Base is where the history was when the round began: all that comes is after it.
	Base record.Position
	// Forks tells that a tail of the history may be lost in the round, and so positions may become
	// unknown.
	Forks bool
	// Busy is the number of the node that gets most requests. Where all get as many, most appends lose the race to another
	// node, and what happens to an append that has won is seldom seen.
	Busy   int
	Counts [cluster.Nodes]Counts
}

// Node is one at random, in two of three cases the busy one.
func (w *World) Node(rand *rand.Rand) *cluster.Node {
	if rand.IntN(2) == 0 {
		return w.Cluster.Nodes[w.Busy]
	}
	return w.Cluster.Nodes[rand.IntN(cluster.Nodes)]
}

// names is how many configs the clients of a round fight for.
const names = 8

// Client is one client. It does one thing after the other and is for one goroutine.
type Client struct {
	world  *World
	number int
	rand   *rand.Rand
	http   *http.Client
	writes int
	known  map[string]known // :: name → what it was the last time this client has heard of it
	last   record.Position  // of the newest write that was acknowledged
}

// known is what a client believes of a config.
type known struct {
	version int
	deleted bool
}

// New returns a client. What it does follows from the seed, as far as answers do not decide.
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

// Run writes and reads until ctx ends. A request under way is finished first.
func (c *Client) Run(ctx context.Context) {
	defer c.Close()
	for ctx.Err() == nil {
		n := c.node()
		past := 3 // of 100 requests each
		if c.world.Forks {
			past = 10 // which is where two histories can be mixed up
		}
		switch dice := c.rand.IntN(100); {
		case dice < past:
			c.history(n, c.name())
		case dice < 2*past:
			c.asOf(n)
		case dice < 32:
			c.get(n, c.name())
		case dice < 94:
			c.change(n)
		default:
			c.list(n)
		}
		cluster.Pause(ctx, time.Duration(c.rand.IntN(4000))*time.Microsecond)
	}
}

// Settle writes to a name of its own through a node until a write is acknowledged, and returns its position.
func (c *Client) WriteUntilAcknowledged(ctx context.Context, n *cluster.Node) (record.Position, bool) {
	for ctx.Err() == nil {
		w := c.newWrite(record.Set, c.world.Prefix+"/settled/"+strconv.Itoa(c.number))
		c.send(n, w, w.ID+checker.Separator)
		if w.Outcome == record.Done {
			return w.Position, true
		}
		cluster.Pause(ctx, 20*time.Millisecond)
	}
	return record.Position{}, false
}

// Await asks a node, past its link, until it has applied a position.
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

// WriteLarge sets one config to values of a size, so many of them, and then to a small one. It tells how many of the large ones
// were acknowledged.
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

func (c *Client) name() string {
	return c.world.Prefix + "/" + string(rune('a'+c.rand.IntN(names)))
}

func (c *Client) newWrite(kind record.Kind, name string) *record.Write {
	c.writes++
	id := c.world.Prefix + "." + strconv.Itoa(c.number) + "." + strconv.Itoa(c.writes)
	return &record.Write{ID: id, Client: c.number, Kind: kind, Name: name}
}

// change makes one change that has a fair chance to be allowed.
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

// send sends a write, and again with the same idempotency key where there are such keys, and records it.
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
			w.Outcome, w.Refusal, w.Version = record.Unknown, 0, 0 // what was sent before may still be written
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

// learn remembers what an answer says of the config.
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

// again tells whether a write is to be sent once more: only while its outcome is unknown, and only with a key that keeps it
// from having a second effect.
func (c *Client) again(w *record.Write) bool {
	return w.Outcome == record.Unknown && c.key(w) != "" && w.Tries < maxTries
}

// key is the idempotency key of a write, "" when the servers take none. Also where they do, three of ten writes have none, so that
// not all rests on keys: a node must keep what it promises without.
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
