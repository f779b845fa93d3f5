package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/processtest"
)

// The size of the history of the part large.
const (
	defaultLargeEvents = 10_000_000
	defaultLargeNames  = 1_000_000
)

// largeBatch is the number of events per append: more than a server writes at once, so that the
// disk is waited for less often.
const largeBatch = 5000

// largePatience is how long any single step of the part large may take.
const largePatience = time.Hour

// largeSeries is what was measured on a large history in a store, in order, up to the error.
type largeSeries struct {
	Store string
	Facts []largeFact
	Err   error
}

// largeFact is one figure, as the report says it.
type largeFact struct{ What, Figure string }

// large measures one store.
type large struct {
	rig      *rig
	options  options // of the large history
	progress io.Writer
	history
	server *processtest.Server // nil while none runs
	series *largeSeries
}

// measureLarge measures a large history in each durable store, one after the other. All that
// belongs to a store is removed before the next.
func measureLarge(ctx context.Context, r *rig, progress io.Writer) ([]largeSeries, error) {
	var measured []largeSeries
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		l := large{rig: r, options: r.options, progress: progress, history: history{store: store}, series: &largeSeries{Store: store}}
		l.options.Names, l.options.Events = r.options.LargeNames, r.options.LargeEvents
		l.options.NameSize, l.options.Size = memoryNameBytes, memoryValueSize
		l.options.Batch = largeBatch
		before := len(r.undo)
		l.series.Err = l.measure(ctx)
		r.closeTo(before)
		if err := ctx.Err(); err != nil {
			return measured, err
		}
		if l.series.Err != nil {
			fmt.Fprintf(progress, "large  %-8s FAILED: %v\n", store, l.series.Err)
		}
		measured = append(measured, *l.series)
	}
	return measured, nil
}

func (l *large) measure(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"writing a history", l.fill},
		{"measuring the disk", l.disk},
		{"starting", l.start},
		{"reading", l.reads},
		{"backing up", l.backups},
		{"stopping", l.stop},
		{"restoring", l.restore},
		{"vacuuming", l.vacuum},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// note adds a figure.
func (l *large) note(what, format string, args ...any) {
	figure := fmt.Sprintf(format, args...)
	l.series.Facts = append(l.series.Facts, largeFact{what, figure})
	fmt.Fprintf(l.progress, "large  %-8s %s: %s\n", l.store, what, figure)
}

// perSecond returns events per second as text.
func (l *large) perSecond(took time.Duration) string {
	return fmt.Sprintf("%.0f events/s", float64(l.options.Events)/took.Seconds())
}

// fill writes the history: in SQLite as a server does, append by append. PostgreSQL does it as it
// restores a backup, with the index of versions made at the end, since ten million rows at random
// places of that index would take most of an hour.
func (l *large) fill(ctx context.Context) (err error) {
	if l.url, err = l.rig.newStore(ctx, l.store, partLarge); err != nil {
		return err
	}
	begin, own, theirs := time.Now(), ownCPU(), l.rig.databaseCPU(l.store)
	if l.store == storePostgres {
		err = l.fillPostgres(ctx)
	} else {
		err = writeHistoryTo(ctx, l.store, l.url, l.options)
	}
	took, cpu := time.Since(begin), ownCPU()-own+l.rig.databaseCPU(l.store)-theirs
	l.note("history written", "%s, %s, %s of CPU", seconds(took), l.perSecond(took), seconds(cpu))
	return err
}

func (l *large) fillPostgres(ctx context.Context) error {
	to, err := postgres.Open(ctx, l.url, postgres.Options{Restoring: true})
	if err != nil {
		return err
	}
	target := eventstore.Head{Seq: eventstore.Seq(l.options.Events), Hash: eventstore.Hash{1}}
	if err := to.BeginRestore(ctx, target); err != nil {
		return errors.Join(err, to.Close())
	}
	err = writeHistory(ctx, to, l.options)
	if err == nil {
		err = to.EndRestore(ctx)
	}
	return errors.Join(err, to.Close())
}

// start starts a server, and waits until it has verified the history.
func (l *large) start(ctx context.Context) (err error) {
	theirs := l.rig.databaseCPU(l.store)
	if l.server, err = l.startConfigapi(ctx); err != nil {
		return err
	}
	l.rig.onClose(func() { _ = l.stop(ctx) })
	ready, used := time.Now(), l.server.CPU()
	theirs = l.rig.databaseCPU(l.store) - theirs
	l.note("start until /readyz", "%s, %s of CPU, and %s of the database's", seconds(l.server.Started), seconds(used), seconds(theirs))
	resident, err := settledRSS(ctx, l.server.Process)
	if err != nil {
		return err
	}
	l.note("resident memory after the start", "%d MB, %.0f bytes a name", resident/1e6, float64(resident)/float64(l.options.Names))
	if err := awaitVerified(ctx, l.server, l.options.Events, largePatience); err != nil {
		return err
	}
	took := time.Since(ready)
	l.note("history verified in the background", "%s after the start, %s, %s of CPU", seconds(took), l.perSecond(took), seconds(l.server.CPU()-used))
	memory, err := l.server.Memory()
	if err == nil {
		l.note("resident memory after that", "%d MB, %.0f bytes a name", memory.Resident/1e6, float64(memory.Resident)/float64(l.options.Names))
	}
	return err
}

// startConfigapi runs configapi on the store. With a large history a start takes its time.
func (l *large) startConfigapi(ctx context.Context) (*processtest.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, largePatience)
	defer cancel()
	return l.rig.startConfigapi(ctx, l.store, l.url)
}

// stop stops the server, if one runs.
func (l *large) stop(context.Context) error {
	if l.server != nil {
		stop(l.server.Process)
		l.server = nil
	}
	return nil
}

// fileSize returns the length of a file, 0 if there is none.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
