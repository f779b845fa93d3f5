package cli

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// unreachable has all that writes and looks at the head fail.
var unreachable = configstoretest.Hooks{
	Append: func(context.Context, eventstore.Head, []eventstore.Record) error {
		return configstoretest.ErrUnreachable
	},
	Head: func(context.Context) (eventstore.Head, error) {
		return eventstore.Head{}, configstoretest.ErrUnreachable
	},
}

// TestBeginningWaitsForTheDatabase cannot write the first token for a while. Nothing begins before
// it is written, and the log says once why.
func TestBeginningWaitsForTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		events.SetHooks(unreachable)
		var log bytes.Buffer
		_, first := auth.NewSecret()
		begun, issue := begin(store.Store, &first, slog.New(slog.NewTextHandler(&log, nil)))
		ended := make(chan error, 1)
		go func() { ended <- issue(t.Context()) }()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		select {
		case <-begun:
			t.Error("it has begun without the first token")
		default:
		}
		if got := strings.Count(log.String(), "the first token cannot be issued"); got != 1 {
			t.Errorf("the log says it %d times: %s", got, log.String())
		}
		events.SetHooks(configstoretest.Hooks{})
		<-begun
		if err := <-ended; err != nil || !strings.Contains(log.String(), "issued the first token") {
			t.Errorf("got %v, %s", err, log.String())
		}
		if _, err := store.Authenticate(t.Context(), ""); err != auth.ErrNoToken {
			t.Errorf("without a token: got %v", err)
		}
	})
}

// TestBeginningEndsWithTheServer stops a server that is waiting for its database.
func TestBeginningEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		events.SetHooks(unreachable)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_, first := auth.NewSecret()
		begun, issue := begin(store.Store, &first, slog.New(slog.DiscardHandler))
		if err := issue(ctx); err != nil {
			t.Error(err)
		}
		select {
		case <-begun:
			t.Error("it has begun")
		default:
		}
	})
}

// TestAReadyStoreIsTheBeginning starts a server without a first token to issue.
func TestAReadyStoreIsTheBeginning(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	begun, _ := begin(store.Store, nil, slog.New(slog.DiscardHandler))
	<-store.Ready()
	select {
	case <-begun:
	default:
		t.Error("the store is ready, and the server does not answer")
	}
}
