package rest_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/rest"
)

// TestPagesHaveATime: a page that the event store does not give in time is given up.
func TestPagesHaveATime(t *testing.T) {
	for _, path := range []string{"/changes?first=1", "/changes/recent", "/deleted", "/diff?from=1999-01-01T00:00:00Z&to=2000-01-01T00:00:00.5Z", "/config?at=1999-01-01T00:00:00Z&first=1"} {
		synctest.Test(t, func(t *testing.T) {
			events := configstoretest.NewFaulty()
			store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
			for _, name := range []string{"a", "b", "c"} {
				store.MustSet(t, name, "1")
				store.MustDelete(t, name)
			}
			edge := rest.New(store.Store, rest.Options{})
			events.SetHooks(neverReading())
			began, w := time.Now(), httptest.NewRecorder()
			edge.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if took := time.Since(began); w.Code != 503 || took != 10*time.Second {
				t.Errorf("%s: got %d %s after %v", path, w.Code, w.Body, took)
			}
		})
	}
}

// neverReading returns hooks of a store whose reads end with their time.
func neverReading() configstoretest.Hooks {
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	return configstoretest.Hooks{
		Read: func(ctx context.Context, _ eventstore.Seq, _ eventstore.Limit) ([]eventstore.Record, error) {
			return nil, wait(ctx)
		},
		ReadBack: func(ctx context.Context, _ eventstore.Head, _ eventstore.Back, _ eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
			return nil, 0, wait(ctx)
		},
		ReadInstant: func(ctx context.Context, _ eventstore.Head, _ time.Time) (eventstore.Record, error) {
			return eventstore.Record{}, wait(ctx)
		},
		ReadVersions: func(ctx context.Context, _ eventstore.Head, _ []eventstore.VersionOf, _ eventstore.Limit) ([]eventstore.Record, error) {
			return nil, wait(ctx)
		},
	}
}
