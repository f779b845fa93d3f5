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

// TestSessionsAreEndedAtAnyMoment ends sessions of every kind, and cancels their statements, while
// two nodes read and write. Each acknowledged write is in the history once, other writes have an
// error, and the nodes recover by themselves.
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

// mustSetSoon writes, and tries again while connections are still broken.
func mustSetSoon(t *testing.T, node *configstoretest.Store) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		cmd := config.Set{Name: configstoretest.Name(t, "after"), Value: configstoretest.Value(t, "all")}
		if _, err = node.Do(t.Context(), auth.Anonymous, config.Single(cmd)); err == nil {
			return
		}
	}
	t.Fatalf("a node does not write again: %v", err)
}

// writeUntil writes values until ctx ends, and returns the acknowledged ones. Each write has a key
// and is repeated while its outcome is unknown, so that it is written at most once.
func writeUntil(t *testing.T, ctx context.Context, node *configstoretest.Store, name string) (acknowledged []string) {
	for n := 0; ctx.Err() == nil; n++ {
		set := configstoretest.SetOnce(t, name, fmt.Sprint(n), fmt.Sprint(name, "-", n))
		for {
			_, err := node.Do(ctx, auth.Anonymous, set)
			if err == nil {
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

// endOneSession ends a random session of a node, or cancels its statement.
func endOneSession(t *testing.T, admin *sql.DB) {
	how := []string{"pg_terminate_backend", "pg_cancel_backend"}[rand.N(2)]
	_, err := admin.ExecContext(t.Context(), `select `+how+`(pid) from (select pid from pg_stat_activity
		where datname = current_database() and application_name like 'configapi%' order by random() limit 1) one`)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
