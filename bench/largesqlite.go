package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/sqlite"
)

// Receipts whose deletion is measured.
const (
	largeReceipts = 100_000
	prunedAtOnce  = 500 // as a server does it
)

// sqliteFile is what the header of a database file says: see
// https://www.sqlite.org/fileformat.html.
type sqliteFile struct {
	pageSize, pages, free int64
	autoVacuum            bool
}

// headerLength is the length of the header of a database file.
const headerLength = 100

// readSQLiteFile reads the header of a database file that nothing uses.
func readSQLiteFile(path string) (f sqliteFile, err error) {
	file, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer file.Close()
	var header [headerLength]byte
	if _, err := io.ReadFull(file, header[:]); err != nil {
		return f, fmt.Errorf("reading the header of %s: %w", path, err)
	}
	f.pageSize = int64(binary.BigEndian.Uint16(header[16:]))
	if f.pageSize == 1 {
		f.pageSize = 64 << 10
	}
	f.pages = int64(binary.BigEndian.Uint32(header[28:]))
	f.free = int64(binary.BigEndian.Uint32(header[36:]))
	f.autoVacuum = binary.BigEndian.Uint32(header[52:]) != 0
	return f, nil
}

func (f sqliteFile) String() string {
	return fmt.Sprintf("%s in %d pages, %d of them free", megabytes(f.pages*f.pageSize), f.pages, f.free)
}

// receiptsInSQLite writes receipts, removes them as a server does when they are old, and writes as
// many again, to see what each leaves in the file.
func (l *large) receiptsInSQLite(ctx context.Context) error {
	receipts := min(largeReceipts, l.options.Events)
	path := sqlitePath(l.url)
	show := func(what string) error {
		file, err := readSQLiteFile(path)
		if err == nil {
			l.note(what, "%v", file)
		}
		return err
	}
	file, err := readSQLiteFile(path)
	if err != nil {
		return err
	}
	l.note("auto_vacuum", "%t", file.autoVacuum)
	if err := show("database file before receipts"); err != nil {
		return err
	}
	if err := withSQLite(ctx, path, func(s *sqlite.Store) error { return writeReceipts(ctx, s, receipts, "first") }); err != nil {
		return err
	}
	if err := show(fmt.Sprintf("database file with %d receipts", receipts)); err != nil {
		return err
	}
	var steps []time.Duration
	if err := withSQLite(ctx, path, func(s *sqlite.Store) (err error) { steps, err = pruneReceipts(ctx, s); return err }); err != nil {
		return err
	}
	l.note("removing them", "%d steps of %d, p50 %s, slowest %s", len(steps), prunedAtOnce, milliseconds(median(steps)), milliseconds(slices.Max(steps)))
	if err := show("database file without them"); err != nil {
		return err
	}
	if err := withSQLite(ctx, path, func(s *sqlite.Store) error { return writeReceipts(ctx, s, receipts, "again") }); err != nil {
		return err
	}
	return show("database file with as many again")
}

// writeReceipts adds receipts that have no events, like those of requests that found all as they
// asked for it.
func writeReceipts(ctx context.Context, s *sqlite.Store, receipts int, series string) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	for from := 0; from < receipts; from += historyBatch {
		batch := make([]eventstore.Receipt, min(historyBatch, receipts-from))
		for i := range batch {
			batch[i] = eventstore.Receipt{
				Key:         eventstore.Key{Text: fmt.Sprintf("%s-%032x", series, randomValue()*receipts+from+i)},
				RequestHash: randomHash(),
				First:       head.Seq,
				CreatedAt:   at,
			}
		}
		if err := s.Append(ctx, head, nil, batch...); err != nil {
			return fmt.Errorf("writing receipts: %w", err)
		}
	}
	return nil
}

func randomHash() (hash [32]byte) {
	rand.Read(hash[:]) // cannot fail
	return hash
}

// pruneReceipts removes all receipts, and returns how long each step took, for which appends wait.
func pruneReceipts(ctx context.Context, s *sqlite.Store) (steps []time.Duration, err error) {
	for {
		begin := time.Now()
		n, err := s.PruneReceipts(ctx, begin.Add(time.Minute), prunedAtOnce)
		if err != nil {
			return nil, err
		}
		steps = append(steps, time.Since(begin))
		if n < prunedAtOnce {
			return steps, nil
		}
	}
}
