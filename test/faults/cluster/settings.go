package cluster

import (
	"context"
	"fmt"
	"strings"
)

// set changes a setting of the primary for all sessions; "" resets it.
func (d *Database) set(ctx context.Context, name, value string) error {
	statement := "alter system reset " + name
	if value != "" {
		statement = fmt.Sprintf("alter system set %s = '%s'", name, value)
	}
	if err := d.exec(ctx, databaseName, statement); err != nil {
		return err
	}
	return d.exec(ctx, databaseName, "select pg_reload_conf()")
}

// ReadOnly makes the transactions of the primary read-only by default, or resets that.
func (d *Database) ReadOnly(ctx context.Context, on bool) error {
	value := ""
	if on {
		value = "on"
	}
	return d.set(ctx, "default_transaction_read_only", value)
}

// TightConnections is the connection limit of a restricted role.
const TightConnections = 7

// Tighten gives the roles of nodes the limits that a careful administrator gives: no superusers,
// few connections, short timeouts. They still own the tables. The limits apply to new sessions, so
// the existing ones are ended.
func (d *Database) Tighten(ctx context.Context) error {
	var statements []string
	for n := range Nodes {
		if n > 0 { // node 0 created the tables
			statements = append(statements, fmt.Sprintf("grant %s to %s", role(0), role(n)))
		}
	}
	for n := range Nodes {
		statements = append(statements, fmt.Sprintf(`alter role %[1]s nosuperuser connection limit %[2]d;
			alter role %[1]s set statement_timeout = '1s'; alter role %[1]s set lock_timeout = '100ms'`, role(n), TightConnections))
	}
	return d.alterRoles(ctx, statements)
}

// Loosen reverts Tighten.
func (d *Database) Loosen(ctx context.Context) error {
	var statements []string
	for n := range Nodes {
		statements = append(statements, fmt.Sprintf("alter role %[1]s superuser connection limit -1; alter role %[1]s reset all", role(n)))
	}
	return d.alterRoles(ctx, statements)
}

func (d *Database) alterRoles(ctx context.Context, statements []string) error {
	if err := d.exec(ctx, databaseName, strings.Join(statements, ";")); err != nil {
		return err
	}
	_, err := d.EndSessions(ctx)
	return err
}

// Sessions counts the sessions of a node.
func (d *Database) Sessions(ctx context.Context, node int) (int, error) {
	pids, err := d.Backends(ctx, node)
	return len(pids), err
}

// HoldHead locks the row of history_head for a time.
func (d *Database) HoldHead(ctx context.Context, milliseconds int) error {
	return d.exec(ctx, databaseName, fmt.Sprintf(`begin; select from public.history_head for update; select pg_sleep(%d / 1000.0); commit`, milliseconds))
}
