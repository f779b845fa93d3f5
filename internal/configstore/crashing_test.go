package configstore_test

import (
	"context"
	"sync"

	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// fate is what happens to an append.
type fate int

const (
	succeeds   fate = iota
	refused         // nothing is written, for certain
	lostBefore      // it does not reach the store, which the writer cannot know
	lostAfter       // it is written, but the answer is lost
	diesBefore      // as lostBefore, and the node does not reach the store any more
	diesAfter       // as lostAfter, and the node does not reach the store any more
)

// fates are what happens to the next appends, of any node.
type fates struct {
	mu   sync.Mutex // guards list
	list []fate
}

func (f *fates) set(list []fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = list
}

func (f *fates) next() fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return succeeds
	}
	next := f.list[0]
	f.list = f.list[1:]
	return next
}

// crashing is an event store as one node sees it: its appends have fates.
type crashing struct {
	*memory.Store
	fates *fates

	mu   sync.Mutex // guards dead
	dead bool
}

func (c *crashing) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// suffer calls do or not, as the next fate says, and returns what the node gets to know.
func (c *crashing) suffer(do func() error) error {
	if c.isDead() {
		return configstoretest.ErrUnreachable
	}
	next := c.fates.next()
	switch next {
	case refused:
		return eventstore.ErrNotWritten
	case diesBefore, diesAfter:
		c.mu.Lock()
		c.dead = true
		c.mu.Unlock()
	}
	switch next {
	case lostBefore, diesBefore:
		return configstoretest.ErrAnswerLost
	case lostAfter, diesAfter:
		_ = do()
		return configstoretest.ErrAnswerLost
	}
	return do()
}

func (c *crashing) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	return c.suffer(func() error { return c.Store.Append(ctx, expected, records, receipts...) })
}

func (c *crashing) Head(ctx context.Context) (eventstore.Head, error) {
	if c.isDead() {
		return eventstore.Head{}, configstoretest.ErrUnreachable
	}
	return c.Store.Head(ctx)
}

func (c *crashing) DurableHead(ctx context.Context) (eventstore.Head, error) { return c.Head(ctx) }

func (c *crashing) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if c.isDead() {
		return nil, configstoretest.ErrUnreachable
	}
	return c.Store.Read(ctx, after, limit)
}

func (c *crashing) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if c.isDead() {
		return nil, configstoretest.ErrUnreachable
	}
	return c.Store.ReadHistory(ctx, basis, after, limit)
}

func (c *crashing) ReadReceipts(ctx context.Context, keys []eventstore.Key) ([]eventstore.Receipt, error) {
	if c.isDead() {
		return nil, configstoretest.ErrUnreachable
	}
	return c.Store.ReadReceipts(ctx, keys)
}
