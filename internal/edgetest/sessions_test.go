package edgetest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/fault"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// TestSessionsAreEndedAtAnyMoment has two nodes write and read while sessions of theirs, of every
// kind, are ended, and what they do is cancelled. Each write that was acknowledged is there, once;
// those that were not say so; and it all comes back by itself.
func TestSessionsAreEndedAtAnyMoment(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	const rounds, writers = 60, 3
	dsn := postgrestest.NewDatabase(t)
	var nodes []*configstoretest.Store
	for range 2 {
		events, err := postgres.Open(t.Context(), dsn, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, events.Close)
		nodes = append(nodes, configstoretest.On(t, events, configstore.Options{}))
	}
	admin := mustOpenSQL(t, "pgx", dsn)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	acknowledged := make([][]string, len(nodes)*writers)
	var writing sync.WaitGroup
	for i := range acknowledged {
		writing.Go(func() { acknowledged[i] = writeUntil(t, ctx, nodes[i%len(nodes)], fmt.Sprint("n", i)) })
	}
	for range rounds {
		endOneSession(t, admin)
	}
	stop()
	writing.Wait()
	for _, node := range nodes {
		mustSetSoon(t, node)
	}
	values := make(map[string]int)
	events, err := postgres.Open(t.Context(), dsn, postgres.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, events.Close)
	records, err := events.Read(t.Context(), 0, eventstore.Limit{Records: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range revisions {
		values[r.Name.String()+"="+r.Value.String()]++
	}
	n := 0
	for _, written := range acknowledged {
		for _, one := range written {
			if n++; values[one] != 1 {
				t.Errorf("%s was acknowledged and is in the history %d times", one, values[one])
			}
		}
	}
	if n == 0 {
		t.Error("nothing was acknowledged, so nothing was tried out")
	}
}

// mustSetSoon writes, once what is left of the trouble is over.
func mustSetSoon(t *testing.T, node *configstoretest.Store) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		cmd := config.Set{Name: configstoretest.Name(t, "after"), Value: configstoretest.Value(t, "all")}
		if _, err = node.Do(t.Context(), auth.Anonymous, cmd); err == nil {
			return
		}
	}
	t.Fatalf("a node does not write again: %v", err)
}

// writeUntil writes one value after the other until ctx ends, and returns those that were
// acknowledged. Each has a key, and is sent again when its outcome is not known, so that it can
// only be written once.
func writeUntil(t *testing.T, ctx context.Context, node *configstoretest.Store, name string) (acknowledged []string) {
	for n := 0; ctx.Err() == nil; n++ {
		cmd := config.Set{Name: configstoretest.Name(t, name), Value: configstoretest.Value(t, fmt.Sprint(n))}
		var err error
		if cmd.IdempotencyKey, err = config.ParseIdempotencyKey(fmt.Sprint(name, "-", n)); err != nil {
			t.Error(err)
		}
		for {
			if _, err = node.Do(ctx, auth.Anonymous, cmd); err == nil {
				acknowledged = append(acknowledged, fmt.Sprint(name, "=", n))
			}
			if err == nil || ctx.Err() != nil {
				break
			}
			if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("writing %s: %v", name, err)
				break
			}
		}
	}
	return acknowledged
}

// endOneSession ends a session of a node, or cancels what it does, whichever it is.
func endOneSession(t *testing.T, admin *sql.DB) {
	how := []string{"pg_terminate_backend", "pg_cancel_backend"}[rand.N(2)]
	_, err := admin.ExecContext(t.Context(), `select `+how+`(pid) from (select pid from pg_stat_activity
		where datname = current_database() and application_name like 'configapi%' order by random() limit 1) one`)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
