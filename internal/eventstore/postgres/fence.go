package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

// fence keeps a store from a primary that a failover has replaced. With every failover the newest
// history of a database gets a new timeline, a number that grows. A store remembers the newest that
// it has seen, and neither makes nor keeps connections to a server that is on an older one.
//
// Timelines of different databases, as by their system identifiers, say nothing about one another.
// Two servers that were promoted independently can have the same one; then only the chain of hashes
// tells them apart.
type fence struct {
	log *slog.Logger

	mu      sync.Mutex
	newest  map[string]uint64 // :: system identifier → timeline
	refused primary           // the one that the log knows of
}

// primary is what a connection leads to. The zero primary is one that does not tell.
type primary struct {
	system   string
	timeline uint64
}

// primaryKey is that of a connection's primary in its custom data.
const primaryKey = "configapi primary"

func newFence(log *slog.Logger) *fence { return &fence{log: log, newest: make(map[string]uint64)} }

// selectPrimary needs no rights. The timeline is that which the server writes now: the control
// file's is older for a while after a promotion.
const selectPrimary = `select system_identifier::text || ' ' || pg_catalog.substr(
	pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) from pg_catalog.pg_control_system()`

// checkNew finds out where a new connection leads to, and refuses it when that is a primary of the
// past.
func (f *fence) checkNew(ctx context.Context, conn *pgconn.PgConn) error {
	p, err := askPrimary(ctx, conn)
	if err != nil {
		return fmt.Errorf("asking the server for its timeline: %w", err)
	}
	conn.CustomData()[primaryKey] = p
	return f.check(p)
}

// askPrimary returns the zero primary when the server does not have, or does not allow, what it
// takes.
func askPrimary(ctx context.Context, conn *pgconn.PgConn) (p primary, err error) {
	results, err := conn.Exec(ctx, selectPrimary).ReadAll()
	var refused *pgconn.PgError
	if errors.As(err, &refused) && !conn.IsClosed() {
		return primary{}, nil
	}
	if err != nil {
		return primary{}, err
	}
	var timeline string
	p.system, timeline, _ = strings.Cut(string(results[0].Rows[0][0]), " ")
	p.timeline, err = strconv.ParseUint(timeline, 16, 32)
	return p, err
}

// holds reports whether a connection may still be used.
func (f *fence) holds(conn *pgconn.PgConn) bool {
	p, _ := conn.CustomData()[primaryKey].(primary)
	f.mu.Lock()
	defer f.mu.Unlock()
	return p.timeline >= f.newest[p.system]
}

// check refuses a primary that is older than one seen before, and remembers one that is newer.
func (f *fence) check(p primary) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := f.newest[p.system]
	if p.timeline >= newest {
		if newest > 0 && p.timeline > newest {
			f.log.Warn("the database has a new primary; connections to the one before are given up", "timeline", p.timeline, "before", newest)
		}
		f.newest[p.system] = p.timeline
		f.refused = primary{}
		return nil
	}
	err := fmt.Errorf("%w: it is on timeline %d, and timeline %d was seen; stop it, and see where the address leads to", eventstore.ErrSuperseded, p.timeline, newest)
	if f.refused != p {
		f.refused = p
		f.log.Error("a connection to the database is refused", "error", err)
	}
	return err
}

// keepCurrent is a [pgxpool.Config.PrepareConn]: it has the pool give up connections that lead to a
// primary of the past.
func (f *fence) keepCurrent(_ context.Context, conn *pgx.Conn) (bool, error) {
	return f.holds(conn.PgConn()), nil
}
