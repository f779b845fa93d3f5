package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"configapi/client/rest"
)

const (
	// tokenCheck is how often the file of the token is looked at.
	tokenCheck = 30 * time.Second
	// refusedPause is how long a token is not sent again that the server has refused: an address
	// that sends many of them is refused for a while.
	refusedPause = time.Minute
	// tooLargePause is the pause before configs are read again that were too large: each try makes
	// the server send as much as MaxBytes allows.
	tooLargePause = time.Minute
)

// errOtherToken ends a stream because the source of the token has another one.
var errOtherToken = errors.New("the token is another one")

// follow keeps the configs up to date until the client is closed.
func (c *Client) follow() {
	ctx := c.stopped
	pause := newBackoff(maxPause)
	anew := false           // the configs have to be read anew
	atLeast := c.Position() // and be of this position
	for ctx.Err() == nil {
		err := c.useToken(ctx)
		if errors.Is(err, errOtherToken) {
			anew, err = true, nil
		}
		if err == nil && anew {
			if err = c.readAnew(ctx, atLeast); err == nil {
				anew = false
			}
		}
		if err == nil {
			err = c.stream(ctx, pause)
		}
		if ctx.Err() != nil {
			return
		}
		c.linked.Store(false)
		switch {
		case errors.Is(err, errOtherToken):
			continue
		case isCode(err, rest.CodePositionUnknown):
			err = fmt.Errorf("%w: it does not have the position %s; the configs are read anew", ErrHistoryReplaced, c.Position())
			anew, atLeast = true, ""
			c.replaced++
		case !isUnavailable(err):
			anew, atLeast = true, c.Position()
		}
		c.fail(err)
		if !pause.wait(ctx, err, c.otherToken) {
			return
		}
	}
}

// useToken asks for the token, and makes a client that sends it. The error is errOtherToken when it
// is another one than before.
func (c *Client) useToken(ctx context.Context) error {
	token, err := c.options.token(ctx)
	old := c.api.Load()
	switch {
	case err != nil && old != nil:
		c.fail(err)
		return nil // the last one may still do
	case err != nil || old != nil && token == c.token:
		return err
	}
	api, err := c.options.rest(token)
	if err != nil {
		return err
	}
	c.token = token
	c.api.Store(api)
	if old == nil {
		return nil
	}
	old.Close()
	return errOtherToken
}

// otherToken reports whether the source of the token has another one by now.
func (c *Client) otherToken(ctx context.Context) bool {
	token, err := c.options.token(ctx)
	return err == nil && token != c.token
}

// readAnew reads all configs of one position, which is at least the one given, and publishes them.
func (c *Client) readAnew(ctx context.Context, atLeast string) error {
	begun := time.Now()
	next := &Snapshot{currentAt: begun, token: nameOfToken(c.token), history: c.replaced}
	configs := make([][]*Config, 0, 1)
	left := c.options.MaxBytes
	for i, prefix := range c.options.prefixes() {
		list := rest.List{Prefix: prefix, Full: true, AtLeast: atLeast}
		if i > 0 { // all layers are of the position of the first one
			list.At, list.AtLeast = next.position, ""
		}
		var of []*Config
		position, err := c.api.Load().Configs(ctx, list, func(found rest.Config) error {
			name, within := nameIn(prefix, found.Name, len(c.options.Layers) > 0)
			switch {
			case !within:
				return nil
			case found.Value == nil:
				return &rest.Error{Outcome: rest.Failed, Message: "a value was erased while the configs were read"}
			}
			if left -= int64(len(name) + len(*found.Value)); left < 0 {
				return c.tooLarge()
			}
			of = append(of, &Config{Name: name, Value: *found.Value, Version: found.Version, Position: found.Position, Layer: prefix, UpdatedAt: found.UpdatedAt})
			return nil
		})
		if err != nil {
			return err
		}
		if i == 0 {
			next.position = position
		}
		configs = append(configs, of)
	}
	next.layers = newLayers(&c.options, configs)
	c.publish(next, nil)
	c.touchFile()
	c.heard(begun)
	return nil
}

// heard notes when the configs were current.
func (c *Client) heard(at time.Time) {
	c.heardAt.Store(&at)
	c.linked.Store(true)
}

func (c *Client) tooLarge() error {
	return fmt.Errorf("%w: their names and values have more than %d bytes, which MaxBytes allows", ErrTooLarge, c.options.MaxBytes)
}

// stream applies change sets until it cannot go on, and returns why. It goes on by itself when the
// connection breaks.
func (c *Client) stream(ctx context.Context, pause *backoff) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if c.options.TokenFile != "" {
		stop := c.checkToken(ctx, cancel)
		defer stop()
	}
	follow := rest.Follow{Prefix: common(c.options.prefixes()), After: c.Position(), Lost: func(e *rest.Error, _ time.Duration) {
		c.linked.Store(false)
		c.fail(e)
	}}
	err := c.api.Load().Stream(ctx, follow, func(changes rest.Changes) error {
		pause.reset()
		return c.apply(changes)
	})
	if cause := context.Cause(ctx); errors.Is(cause, errOtherToken) {
		return cause
	}
	return err
}

// apply applies a change set, or moves the position on.
func (c *Client) apply(changes rest.Changes) error {
	last := c.Snapshot()
	next := &Snapshot{position: changes.Position, layers: last.layers, token: last.token, history: last.history, fromFile: last.fromFile, currentAt: last.currentAt}
	names := []string{}
	if len(changes.Changes) > 0 {
		next.layers, names = last.layers.with(changes.Changes)
		if next.layers.bytes() > c.options.MaxBytes {
			return c.tooLarge()
		}
	}
	if changes.CaughtUp {
		next.currentAt, next.fromFile = time.Now(), false
	}
	c.publish(next, names)
	if changes.CaughtUp {
		c.heard(next.currentAt)
	}
	c.touchFile()
	return nil
}

// checkToken looks from time to time whether the file of the token has another one, and ends the
// stream then.
func (c *Client) checkToken(ctx context.Context, end context.CancelCauseFunc) (stop func()) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		for sleep(ctx, tokenCheck) {
			if c.otherToken(ctx) {
				end(errOtherToken)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// backoff are the pauses between tries: they double from one to the other, and are random, so that
// many clients do not come back together.
type backoff struct{ next, most time.Duration }

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 15 * time.Second
	// openPause is the longest pause while Open waits for a server.
	openPause = 500 * time.Millisecond
)

func newBackoff(most time.Duration) *backoff { return &backoff{firstPause, most} }

func (b *backoff) reset() { b.next = firstPause }

// wait waits before the next try after an error, and reports whether ctx goes on. Of a token that
// was refused, it asks for another one, unless other is nil, while it waits.
func (b *backoff) wait(ctx context.Context, err error, other func(context.Context) bool) bool {
	pause := b.next/2 + rand.N(b.next)
	b.next = min(2*b.next, b.most)
	if failed, is := errors.AsType[*rest.Error](err); is {
		pause = max(pause, min(failed.RetryAfter, refusedPause))
	}
	if errors.Is(err, ErrTooLarge) {
		pause = max(pause, tooLargePause)
	}
	if !isRefused(err) || other == nil {
		return sleep(ctx, pause)
	}
	for waited := time.Duration(0); waited < refusedPause; {
		if other(ctx) {
			return true
		}
		step := min(pause, refusedPause-waited)
		if !sleep(ctx, step) {
			return false
		}
		waited += step
		pause = min(2*pause, 5*time.Second)
	}
	return true
}

// sleep waits, and reports whether ctx goes on.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
