package client

import (
	"log/slog"
	"slices"
	"time"
)

// maxReports is how many errors wait for OnError. More are left out.
const maxReports = 64

// sameReport is how often the same error is reported at most.
const sameReport = time.Minute

// watcher is a function that is called after configs have changed.
type watcher struct{ look func() }

// addValue has a value kept up to date, from the present configs on.
func (c *Client) addValue(name string, take update) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[name] = append(c.values[name], take)
	c.take(take, c.Snapshot().layers.merged.lookup(name))
}

// updateValues updates the values of the names that have changed, nil for all values, and then the
// snapshot. A value that is added meanwhile gets the configs of it.
func (c *Client) updateValues(s *Snapshot, changed []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.snapshot.Store(s)
	if changed != nil {
		for _, name := range changed {
			for _, take := range c.values[name] {
				c.take(take, s.layers.merged.lookup(name))
			}
		}
		return
	}
	for name, takes := range c.values {
		for _, take := range takes {
			c.take(take, s.layers.merged.lookup(name))
		}
	}
}

func (c *Client) take(take update, config *Config) {
	if err := take(config); err != nil {
		c.fail(err)
	}
}

// addWatch has a function called after configs have changed, by the goroutine of report.
func (c *Client) addWatch(look func()) (stop func()) {
	w := &watcher{look}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = append(c.watch, w)
	signal(c.notify) // a change may have come since
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watch = slices.DeleteFunc(slices.Clone(c.watch), func(other *watcher) bool { return other == w })
	}
}

// fail has OnError called with an error.
func (c *Client) fail(err error) {
	select {
	case c.reports <- err:
	default: // what is wrong has been reported often enough
	}
}

// report calls OnError and the watchers, until the client is closed.
func (c *Client) report() {
	onError := c.options.OnError
	if onError == nil {
		onError = func(err error) { slog.Warn("configs may be out of date", "error", err) }
	}
	last, at := "", time.Time{}
	for {
		select {
		case <-c.stopped.Done():
			return
		case err := <-c.reports:
			if text := err.Error(); text != last || time.Since(at) > sameReport {
				last, at = text, time.Now()
				onError(err)
			}
		case <-c.notify:
			c.mu.Lock()
			watch := c.watch
			c.mu.Unlock()
			for _, w := range watch {
				if c.watches(w) {
					w.look()
				}
			}
		}
	}
}

// watches reports whether a watcher was not stopped.
func (c *Client) watches(w *watcher) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.watch, w)
}
