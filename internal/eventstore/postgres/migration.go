package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// migrateName is the name of the session of [Migrate].
const migrateName = "configapi-migrate"

// Migration says what [Migrate] has done.
type Migration struct {
	// Before and After are versions of the schema; Before is 0 if there was none.
	Before, After int
	// Granted are the rights that the role has got, each as in "SELECT, INSERT on events". Those
	// that it had before are not among them.
	Granted []string
	// Excess is what the role has besides the rights of a server.
	Excess []string
}

// Migrate brings the tables of the database at a URL to the present schema, and makes them if there
// are none. The role of the URL owns what is made. grantTo is the role of servers, which must
// exist: it gets the rights that a server needs and that it lacks. "" grants nothing. After an
// error no right is granted, but the schema may be the present one. No error contains the password.
func Migrate(ctx context.Context, url, grantTo string) (m Migration, err error) {
	conn, err := dialToMigrate(ctx, url)
	if err != nil {
		return Migration{}, fmt.Errorf("migrating: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if m.Before, m.After, err = migrate(ctx, conn, mayChange); err != nil {
		return Migration{}, fmt.Errorf("migrating: %w", err)
	}
	if grantTo == "" {
		return m, nil
	}
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
		granted, err := grantMissing(ctx, tx, grantTo)
		if err != nil {
			return err
		}
		m.Granted = texts(granted)
		m.Excess, err = excessRights(ctx, tx, grantTo)
		return err
	})
	const undefinedObject = "42704"
	if hasState(err, undefinedObject) {
		return Migration{}, fmt.Errorf("there is no role %q; make it first, with CREATE ROLE", grantTo)
	}
	if err != nil {
		return Migration{}, fmt.Errorf("granting rights to %q: %w", grantTo, err)
	}
	return m, nil
}

func dialToMigrate(ctx context.Context, url string) (*pgx.Conn, error) {
	opts := Options{}.withDefaults()
	config, err := parseURL(url, opts, newNetConns(), newFence(opts.Log))
	if err != nil {
		return nil, err
	}
	c := config.ConnConfig
	c.RuntimeParams["application_name"] = migrateName
	neverCancel(&c.Config)
	w := &writer{config: c}
	return w.dial(ctx)
}
