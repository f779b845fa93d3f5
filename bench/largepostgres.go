package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// disk measures what the history takes on the disk right after it was written.
func (l *large) disk(ctx context.Context) error {
	if l.store == storeSQLite {
		bytes := fileSize(sqlitePath(l.url))
		l.note("database file", "%s, %.0f bytes an event", megabytes(bytes), l.perEvent(bytes))
		return nil
	}
	return queryPostgres(ctx, l.url, func(conn *pgx.Conn) error {
		var table, indexes, all, wal int64
		err := conn.QueryRow(ctx, `select pg_table_size('events'), pg_indexes_size('events'), pg_total_relation_size('events'),
			(select coalesce(sum(size), 0) from pg_ls_waldir())::bigint`).Scan(&table, &indexes, &all, &wal)
		if err != nil {
			return err
		}
		l.note("table of events with its indexes", "%s, %.0f bytes an event: %.0f the rows, %.0f the indexes", megabytes(all), l.perEvent(all), l.perEvent(table), l.perEvent(indexes))
		l.note("PostgreSQL's write-ahead log", "%s", megabytes(wal))
		return nil
	})
}

// vacuum measures what becomes of the space of deleted receipts in SQLite, and what a vacuum of the
// events takes in PostgreSQL.
func (l *large) vacuum(ctx context.Context) error {
	if l.store == storeSQLite {
		return l.receiptsInSQLite(ctx)
	}
	return queryPostgres(ctx, l.url, func(conn *pgx.Conn) error {
		if err := l.autovacuum(ctx, conn); err != nil {
			return err
		}
		begin := time.Now()
		if _, err := conn.Exec(ctx, `vacuum (analyze) events`); err != nil {
			return err
		}
		l.note("vacuum (analyze) of the events", "%s", seconds(time.Since(begin)))
		return l.writesBesideVacuum(ctx, conn)
	})
}

// autovacuum notes what PostgreSQL has done on its own.
func (l *large) autovacuum(ctx context.Context, conn *pgx.Conn) error {
	var vacuums, analyzes, inserted, dead int64
	err := conn.QueryRow(ctx, `select autovacuum_count, autoanalyze_count, n_ins_since_vacuum, n_dead_tup
		from pg_stat_user_tables where relname = 'events'`).Scan(&vacuums, &analyzes, &inserted, &dead)
	if err == nil {
		l.note("autovacuum of the events until then", "%d vacuums, %d analyzes; %d rows inserted since the last vacuum, %d dead", vacuums, analyzes, inserted, dead)
	}
	return err
}

// writesBesideVacuum measures writes of one client alone, and while a vacuum reads all of the
// events again.
func (l *large) writesBesideVacuum(ctx context.Context, conn *pgx.Conn) error {
	server, err := l.startConfigapi(ctx)
	if err != nil {
		return err
	}
	defer stop(server.Process)
	put := httpConnector(server.Address, restPut(l.options.Size))
	write := func(ctx context.Context) (sample, error) {
		next := 0
		operations, opened, err := put(1, clientOptions{kind: clientLean, nextName: func() int { next++; return next % 1000 }, life: largePatience})
		if err != nil {
			return sample{}, err
		}
		taken, err := loadLongEnough(ctx, operations, l.options.WarmUp, l.options.Duration, nil)
		return taken, errors.Join(err, opened.Close())
	}
	alone, err := write(ctx)
	if err != nil {
		return err
	}
	l.note("writes by one client, alone", "%.0f/s, p50 %s, p95 %s, p99 %s", alone.rate(), milliseconds(alone.P50), milliseconds(alone.P95), milliseconds(alone.P99))
	done := make(chan error, 1)
	begin := time.Now()
	go func() {
		_, err := conn.Exec(ctx, `vacuum (analyze, disable_page_skipping) events`)
		done <- err
	}()
	var beside []sample
	for {
		select {
		case err := <-done:
			l.note("vacuum (analyze) of all pages, beside writes", "%s", seconds(time.Since(begin)))
			if err == nil && len(beside) > 0 {
				l.noteBeside(beside)
			}
			return err
		default:
		}
		taken, err := write(ctx)
		if err != nil {
			return errors.Join(err, <-done)
		}
		beside = append(beside, taken)
	}
}

// noteBeside notes the writes that were measured while a vacuum ran. The last of them may have gone
// on after it.
func (l *large) noteBeside(beside []sample) {
	l.note("writes by one client beside it", "%.0f/s, p50 %s, p95 %s, p99 %s: medians of %d measurements", medianOf(beside, sample.rate),
		milliseconds(medianOf(beside, p50)), milliseconds(medianOf(beside, p95)), milliseconds(medianOf(beside, p99)), len(beside))
}
