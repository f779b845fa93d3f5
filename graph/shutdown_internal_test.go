package graph

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// TestShutdownWaitsForStreams has a subscription read the store for longer than its client is there: until it has ended the store
// must not be closed.
func TestShutdownWaitsForStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHandler(configstoretest.New(t, configstore.Options{}).Store, Options{})
		ctx, leave := context.WithCancel(t.Context())
		reading := make(chan struct{})
		items := stream(ctx, &h.streams, func(context.Context) (int, error) {
			<-reading
			return 0, nil
		})
		leave()
		down := false
		go func() {
			if err := h.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			down = true
		}()
		synctest.Wait()
		if down {
			t.Error("the edge was down while a stream was reading")
		}
		impatient, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if err := h.Shutdown(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v from who does not wait", err)
		}
		close(reading)
		synctest.Wait()
		if _, more := <-items; more || !down {
			t.Errorf("down: %t, more to come: %t", down, more)
		}
	})
}
