package client

import (
	"sync"
	"time"

	"configapi/internal/websockettest"
)

// keepAlive sends pings until stop is called.
func keepAlive(conn *websockettest.Client) (stop func()) {
	done := make(chan struct{})
	var pings sync.WaitGroup
	pings.Go(func() {
		tick := time.NewTicker(pingInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if conn.Ping() != nil {
					return
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		pings.Wait()
	}
}
