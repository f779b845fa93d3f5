package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// right is a right of a role on the database (object ""), on the schema public (object "public") or
// on a table of that schema.
type right struct{ privilege, object string }

// tableRights are the rights of a server on the tables.
var tableRights = []struct {
	table      string
	privileges []string
}{
	{"schema_migrations", []string{"SELECT"}},
	{"events", []string{"SELECT", "INSERT"}},
	{"history_head", []string{"SELECT", "UPDATE"}},
	{"idempotency", []string{"SELECT", "INSERT", "DELETE"}},
	{"token_uses", []string{"SELECT", "INSERT", "UPDATE", "DELETE"}},
	{"verification", []string{"SELECT", "INSERT", "UPDATE"}},
	{"store_key", []string{"SELECT"}},
	{"restore_in_progress", []string{"SELECT"}},
}

// neededRights returns all rights of a server. LISTEN, NOTIFY, advisory locks and the types of the
// schema need none.
func neededRights() []right {
	needed := []right{{"CONNECT", ""}, {"USAGE", "public"}}
	for _, t := range tableRights {
		for _, privilege := range t.privileges {
			needed = append(needed, right{privilege, t.table})
		}
	}
	return needed
}

// rightsColumns returns rights as the arguments of a statement: first the privileges, then the
// objects.
func rightsColumns(rights []right) (privileges, objects []string) {
	for _, r := range rights {
		privileges, objects = append(privileges, r.privilege), append(objects, r.object)
	}
	return privileges, objects
}

// String names the right as an operator would grant it.
func (r right) String() string {
	switch r.object {
	case "":
		return r.privilege + " on the database"
	case "public":
		return r.privilege + " on the schema public"
	}
	return r.privilege + " on " + r.object
}

// texts names rights, those on one object together, as in "SELECT, INSERT on events". Rights on one
// object must follow each other.
func texts(rights []right) (texts []string) {
	for i := 0; i < len(rights); {
		all := rights[i]
		for i++; i < len(rights) && rights[i].object == all.object; i++ {
			all.privilege += ", " + rights[i].privilege
		}
		texts = append(texts, all.String())
	}
	return texts
}

// selectMissing returns those of the rights $2 on the objects $3 that the role $1 lacks.
const selectMissing = `
	select privilege, object from unnest($2::text[], $3::text[]) with ordinality as needed(privilege, object, n)
	where not case object
		when '' then has_database_privilege($1::name, current_database(), privilege)
		when 'public' then has_schema_privilege($1::name, object, privilege)
		else has_table_privilege($1::name, 'public.' || object, privilege)
	end
	order by n`

// selectExcess returns what the role $1 has besides the rights $2 on the objects $3, one text a
// row. What a role may do after SET ROLE counts as well. A right on one column of a table counts as
// one on the table. Superusers own and may do everything, so nothing more is listed of them.
const selectExcess = `
	with needed as (
		select * from unnest($2::text[], $3::text[]) as needed(privilege, object)
	), reachable as materialized (
		select r.*, case when r.rolname = $1::name then '' else ' as a member of ' || quote_ident(r.rolname) end as via,
			r.oid < 16384 and r.rolname <> $1::name and not r.rolsuper as predefined
		from pg_roles r
		where r.rolname = $1::name or pg_has_role($1::name, r.oid, 'MEMBER') and not (select rolsuper from pg_roles where rolname = $1::name)
	), plain as (
		select * from reachable where not rolsuper and not predefined
	), tables as (
		select c.oid, c.relname::text as name, c.relowner from pg_class c
		where c.relnamespace = 'public'::regnamespace and c.relname in (select object from needed)
	), privileges as (
		select unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
			|| case when current_setting('server_version_num')::int >= 170000 then array['MAINTAIN'] else array[]::text[] end) as privilege
	), held as (
		select p.privilege, t.name, r.via, t.oid, r.oid as role,
			exists (select from needed where needed.object = t.name and needed.privilege = p.privilege) as is_needed
		from plain r, tables t, privileges p
		where t.relowner <> r.oid and case
			when p.privilege in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') then has_any_column_privilege(r.oid, t.oid, p.privilege)
			else has_table_privilege(r.oid, t.oid, p.privilege)
		end
	)
	select attribute || via from reachable, lateral (values
		(rolsuper, 'SUPERUSER'), (not rolsuper and rolcreaterole, 'CREATEROLE'), (not rolsuper and rolcreatedb, 'CREATEDB'),
		(not rolsuper and rolreplication, 'REPLICATION'), (not rolsuper and rolbypassrls, 'BYPASSRLS')
	) as attributes(has, attribute) where has
	union all
	select 'membership in ' || rolname from reachable where predefined and rolname <> 'pg_database_owner'
	union all
	select 'ownership of the database' || via from plain r join pg_database d on d.datdba = r.oid where d.datname = current_database()
	union all
	select 'ownership of the schema public' || via from plain r join pg_namespace n on n.nspowner = r.oid where n.nspname = 'public'
	union all
	select 'ownership of ' || string_agg(c.relname, ', ' order by c.relname) || r.via from plain r join pg_class c on c.relowner = r.oid
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'c') group by r.oid, r.via
	union all
	select 'CREATE on the database' || via from plain where has_database_privilege(oid, current_database(), 'CREATE')
	union all
	select 'CREATE on the schema public' || via from plain where has_schema_privilege(oid, 'public', 'CREATE')
	union all
	select string_agg(privilege, ', ' order by privilege) || ' on ' || name || via from held where not is_needed group by name, via
	union all
	select 'the grant option of ' || string_agg(privilege, ', ' order by privilege) || ' on ' || name || via from held
		where is_needed and has_table_privilege(role, oid, privilege || ' WITH GRANT OPTION') group by name, via`

// missingRights returns the rights of a server that a role lacks.
func missingRights(ctx context.Context, tx pgx.Tx, role string) ([]right, error) {
	privileges, objects := rightsColumns(neededRights())
	rows, err := tx.Query(ctx, selectMissing, role, privileges, objects)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r right, err error) {
		err = row.Scan(&r.privilege, &r.object)
		return r, err
	})
}

// excessRights returns what a role has besides the rights of a server.
func excessRights(ctx context.Context, tx pgx.Tx, role string) ([]string, error) {
	privileges, objects := rightsColumns(neededRights())
	rows, err := tx.Query(ctx, selectExcess, role, privileges, objects)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// checkRights refuses a role that lacks rights of a server. It warns of one that has more, or
// refuses it with [Options.RequireLeastPrivilege]. The session's own role counts as well as the one
// that it has set, because it can set it back.
func checkRights(ctx context.Context, conn *pgx.Conn, opts Options) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
		var current, login string
		if err := tx.QueryRow(ctx, `select current_user::text, session_user::text`).Scan(&current, &login); err != nil {
			return fmt.Errorf("reading the role: %w", err)
		}
		missing, err := missingRights(ctx, tx, current)
		if err != nil {
			return fmt.Errorf("reading the rights of the role: %w", err)
		}
		if len(missing) > 0 {
			return fmt.Errorf("the role %q lacks %s; %s", current, strings.Join(texts(missing), "; "), howToGrant(current))
		}
		excess, err := excessRights(ctx, tx, login)
		switch {
		case err != nil:
			return fmt.Errorf("reading the rights of the role: %w", err)
		case len(excess) == 0:
		case opts.RequireLeastPrivilege:
			return fmt.Errorf("the role %q has more rights than a server needs, which --require-least-privilege refuses: %s; "+
				"use a role of its own for the server, with the rights that `configapi migrate --grant-to ROLE` gives", login, strings.Join(excess, "; "))
		default:
			opts.Log.Warn("the role of the server has more rights than it needs; use a role with those that `configapi migrate --grant-to ROLE` gives",
				"role", login, "too_much", strings.Join(excess, "; "))
		}
		return nil
	})
}

// howToGrant says how a role gets the rights of a server.
func howToGrant(role string) string {
	return fmt.Sprintf("run `configapi migrate --store postgres://OWNER@… --grant-to %s` as the owner of the tables", role)
}

// isDenied reports whether the server refused a statement because the role may not run it.
func isDenied(err error) bool { return hasState(err, "42501") }

// grantMissing grants a role the rights of a server that it lacks.
func grantMissing(ctx context.Context, tx pgx.Tx, role string) ([]right, error) {
	missing, err := missingRights(ctx, tx, role)
	if err != nil {
		return nil, err
	}
	var database string
	if err := tx.QueryRow(ctx, `select current_database()::text`).Scan(&database); err != nil {
		return nil, err
	}
	for _, r := range missing {
		on := "table " + pgx.Identifier{"public", r.object}.Sanitize()
		switch r.object {
		case "":
			on = "database " + pgx.Identifier{database}.Sanitize()
		case "public":
			on = "schema public"
		}
		if _, err := tx.Exec(ctx, `grant `+r.privilege+` on `+on+` to `+pgx.Identifier{role}.Sanitize()); err != nil {
			return nil, fmt.Errorf("granting %s: %w", r, err)
		}
	}
	left, err := missingRights(ctx, tx, role)
	if err == nil && len(left) > 0 { // the server has only warned of it
		err = fmt.Errorf("granting %s: only the owner can do that", strings.Join(texts(left), "; "))
	}
	return missing, err
}
