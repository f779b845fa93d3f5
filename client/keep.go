package client

import (
	"fmt"
	"time"
)

// keepFile writes the file after changes, at most once a second, until the client is closed, and
// once more then.
func (c *Client) keepFile() {
	removeLeftovers(c.options.File)
	var kept *Snapshot // what the file has; nil: not known
	var tried time.Time
	write := func() {
		s := c.Snapshot()
		if s == kept || s.fromFile {
			return
		}
		tried = time.Now()
		if err := writeFile(c.options.File, headOf(&c.options, s.token), s); err != nil {
			c.fileErr = fmt.Errorf("writing the configs to the file: %w", err)
			c.fail(c.fileErr)
			return
		}
		kept, c.fileErr = s, nil
	}
	defer write()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.stopped.Done():
			return
		case <-timer.C:
			write()
		case <-c.dirty:
			pause := fileInterval
			if kept != nil && kept.layers == c.Snapshot().layers {
				pause = fileRefresh
			}
			timer.Reset(pause - time.Since(tried))
		}
	}
}
