package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"configapi/client/rest"
)

// Client keeps the configs of a server in memory. Use [Open]; it is safe for concurrent use.
type Client struct {
	options  Options
	snapshot atomic.Pointer[Snapshot]
	api      atomic.Pointer[rest.Client]
	token    string // the one that api sends; only of the goroutine that follows
	replaced int    // how many times the history was replaced; of that goroutine, too

	heardAt atomic.Pointer[time.Time] // when the configs were last known to be current; nil: never
	linked  atomic.Bool               // nothing has failed since

	mu     sync.Mutex          // guards values and watches
	values map[string][]update // :: name → what depends on its config
	watch  []*watcher

	reports chan error    // for OnError
	notify  chan struct{} // the watchers are to look; of one element
	dirty   chan struct{} // the file is to be written; of one element
	fileErr error         // of the last write of the file; only of keepFile, and of Close after it

	stop    context.CancelFunc
	stopped context.Context
	running sync.WaitGroup
}

// Open returns a client that has all configs of one position: those of the server, or those of
// [Options.File] when the server cannot be reached within [Options.OpenTimeout], answers 5xx or
// 429. It fails after any other answer, such as 401 and 403, and when the file cannot be used, too.
//
// The context is that of Open alone. The caller must call [Client.Close].
func Open(ctx context.Context, o Options) (*Client, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("opening a client of ConfigApi: %w", err)
	}
	c := &Client{
		options: o, values: map[string][]update{},
		reports: make(chan error, maxReports), notify: make(chan struct{}, 1), dirty: make(chan struct{}, 1),
	}
	if err := c.begin(ctx); err != nil {
		if api := c.api.Load(); api != nil {
			api.Close()
		}
		return nil, fmt.Errorf("opening a client of ConfigApi: %w", err)
	}
	c.stopped, c.stop = context.WithCancel(context.Background())
	c.running.Go(c.follow)
	c.running.Go(c.report)
	if o.File != "" {
		c.running.Go(c.keepFile)
	}
	return c, nil
}

// begin gets the first snapshot.
func (c *Client) begin(ctx context.Context) error {
	err := c.readFirst(ctx)
	if err == nil {
		return nil
	}
	if c.options.File == "" || !isUnavailable(err) || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	kept, fileErr := readFile(&c.options, c.token)
	if fileErr != nil {
		return fmt.Errorf("%w; and %w", err, fileErr)
	}
	c.fail(fmt.Errorf("the configs are from %s, where they were current at %s: %w",
		c.options.File, kept.currentAt.Format(time.RFC3339), err))
	c.publish(kept, nil)
	return nil
}

// readFirst reads the configs. Without a file, it tries until the time for it is over.
func (c *Client) readFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.OpenTimeout)
	defer cancel()
	pause := newBackoff(openPause)
	for {
		err := c.useToken(ctx)
		if err == nil {
			err = c.readAnew(ctx, "")
		}
		if err == nil || c.options.File != "" || !isUnavailable(err) || !pause.wait(ctx, err, nil) {
			return err
		}
	}
}

// Close ends all that the client does, and waits for it; the file is written once more, and the
// error is that of the file. Snapshots and values stay as they are. It must not be called from a
// function that the client calls.
func (c *Client) Close() error {
	c.stop()
	c.running.Wait()
	c.api.Load().Close()
	return c.fileErr
}

// Snapshot returns the newest configs.
func (c *Client) Snapshot() *Snapshot { return c.snapshot.Load() }

// Position returns the position of the newest snapshot.
func (c *Client) Position() string { return c.Snapshot().position }

// maxSilence is how long a stream that is open may send nothing. A server sends a position at least
// every 10 s.
const maxSilence = 30 * time.Second

// Stale reports whether the configs may be older than those of the server, and when they were last
// known to be current.
func (c *Client) Stale() (stale bool, since time.Time) {
	heard := c.heardAt.Load()
	if heard == nil {
		return true, c.Snapshot().currentAt
	}
	return !c.linked.Load() || time.Since(*heard) > maxSilence, *heard
}

// Wait returns when the configs are of a position or a later one, such as that of a write. When
// other configs than those of the client have changed, that may take 10 s. The error is that of
// ctx, [ErrClosed], or [ErrHistoryReplaced] when that happens meanwhile, since the position may be
// of the history before; or it says that the text is no position.
func (c *Client) Wait(ctx context.Context, position string) error {
	if !isPosition(position) {
		return fmt.Errorf("%q is no position, such as that of a write", position)
	}
	for began := c.Snapshot(); ; {
		s := c.Snapshot()
		if s.history != began.history {
			return fmt.Errorf("waiting for %s: %w", position, ErrHistoryReplaced)
		}
		if seq(s.position) >= seq(position) && !s.fromFile {
			return nil
		}
		select {
		case <-s.newer:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.stopped.Done():
			return ErrClosed
		}
	}
}

// publish makes a snapshot the newest one. changed are the names whose configs are others than
// before; nil: any may be. Values change first, so that they are there for who has waited for the
// snapshot. One goroutine at a time may call it.
func (c *Client) publish(next *Snapshot, changed []string) {
	last := c.snapshot.Load()
	next.newer = make(chan struct{})
	same := last != nil && changed != nil && len(changed) == 0
	if next.changed = make(chan struct{}); same {
		next.changed = last.changed
	}
	c.updateValues(next, changed)
	if last == nil {
		return
	}
	close(last.newer)
	if !same {
		close(last.changed)
		signal(c.notify)
	}
}

// signal sets a channel of one element.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
