package gqlws

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAcknowledgedAfterTheEnd: a socket that closes is not acknowledged, and its clock stands
// still.
func TestAcknowledgedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func() { t.Error("something happened after the end") }
		k := &keepalive{pingInterval: time.Second, silenceTimeout: time.Second, onTimeout: never, onSilent: never, onPing: never}
		k.start(time.Second)
		k.stop()
		if k.acknowledge() {
			t.Error("it was acknowledged")
		}
		time.Sleep(time.Minute)
	})
}
