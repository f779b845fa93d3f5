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

// fence keeps a store from using a primary that a failover has replaced (fencing). Each failover
// gives the database's history a new, higher timeline. A store remembers the newest timeline that
// it has seen, and neither makes nor keeps connections to a server on an older one.
//
// Timelines of different databases, by their system identifiers, are not comparable. Two servers
// that were promoted independently can have the same timeline; only the chain of hashes
// distinguishes them.
type fence struct {
	log *slog.Logger

	mu      sync.Mutex
	newest  map[string]uint64 // :: system identifier → timeline
	refused primary           // the last one whose refusal was logged
}

// primary identifies the server of a connection. The zero primary is a server that does not say.
type primary struct {
	system   string
	timeline uint64
}

// primaryKey is the key of a connection's primary in its custom data.
const primaryKey = "configapi primary"

func newFence(log *slog.Logger) *fence { return &fence{log: log, newest: make(map[string]uint64)} }

// selectPrimary needs no special rights. It returns the timeline that the server writes now; that
// of the control file is older for a while after a promotion.
const selectPrimary = `select system_identifier::text || ' ' || pg_catalog.substr(
	pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) from pg_catalog.pg_control_system()`

// checkNew asks a new connection for its primary, and refuses one that was replaced.
func (f *fence) checkNew(ctx context.Context, conn *pgconn.PgConn) error {
	p, err := askPrimary(ctx, conn)
	if err != nil {
		return fmt.Errorf("asking the server for its timeline: %w", err)
	}
	conn.CustomData()[primaryKey] = p
	return f.check(p)
}

// askPrimary returns the zero primary if the server does not have the functions or does not allow
// them.
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

// allows reports whether a connection may still be used.
func (f *fence) allows(conn *pgconn.PgConn) bool {
	p, _ := conn.CustomData()[primaryKey].(primary)
	f.mu.Lock()
	defer f.mu.Unlock()
	return p.timeline >= f.newest[p.system]
}

// check refuses a primary that is older than the newest one seen, and remembers a newer one.
func (f *fence) check(p primary) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := f.newest[p.system]
	if p.timeline >= newest {
		if newest > 0 && p.timeline > newest {
			f.log.Warn("the database has a new primary; connections to the old one are closed", "timeline", p.timeline, "before", newest)
		}
		f.newest[p.system] = p.timeline
		f.refused = primary{}
		return nil
	}
	err := fmt.Errorf("%w: it is on timeline %d, but timeline %d was seen; stop it, and make the address lead to the new primary", eventstore.ErrSuperseded, p.timeline, newest)
	if f.refused != p {
		f.refused = p
		f.log.Error("a connection to an old primary is refused", "error", err)
	}
	return err
}

// keepCurrent is a [pgxpool.Config.PrepareConn]: it makes the pool close connections to a primary
// that was replaced.
func (f *fence) keepCurrent(_ context.Context, conn *pgx.Conn) (bool, error) {
	return f.allows(conn.PgConn()), nil
}
