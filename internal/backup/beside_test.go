package backup_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/internal/backup"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/sqlite"
)

// TestLogStaysSmallDuringBackups makes one backup after the other while a server writes at full
// speed: SQLite's write-ahead log stays below 64 MiB.
func TestLogStaysSmallDuringBackups(t *testing.T) {
	const most = 64 << 20
	const written = 80 << 20 // also the length of a log that is never emptied
	path := filepath.Join(t.TempDir(), "configapi.db")
	server, err := sqlite.Open(t.Context(), path, sqlite.Options{Lock: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var w largeWriter
	for range 64 {
		w.MustAppend(t, server) // so that a backup takes a while
	}
	reader, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true}) // as of another process
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	ctx, stop := context.WithCancel(t.Context())
	backups := make(chan error, 1)
	pages := make(chan struct{})
	whole := 0
	go func() {
		defer close(backups)
		for ctx.Err() == nil {
			_, err := backup.Write(ctx, io.Discard, reader, config.Codec{}, func(eventstore.Seq, eventstore.Seq) {
				select {
				case pages <- struct{}{}:
				default:
				}
			})
			if err != nil {
				if ctx.Err() == nil {
					backups <- err
				}
				return
			}
			whole++
		}
	}()
	<-pages // a backup is on its way
	largest := int64(0)
	for w.bytes < written {
		w.MustAppend(t, server)
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	stop()
	if err := <-backups; err != nil {
		t.Error(err)
	}
	t.Logf("the log had up to %d MiB during %d whole backups", largest>>20, whole)
	if largest >= most {
		t.Errorf("the log grew to %d bytes, want less than %d", largest, most)
	}
}

// largeWriter appends half a MiB at a time.
type largeWriter struct {
	head  eventstore.Head
	bytes int
}

func (w *largeWriter) MustAppend(t testing.TB, to backup.Target) {
	t.Helper()
	const records, bytes = 64, 8 << 10
	page := make([]eventstore.Record, records)
	for i := range page {
		page[i] = eventstore.Record{
			Name: fmt.Sprintf("large/%d", i), Version: int(w.head.Seq)/records + 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data:       fmt.Sprintf(`{"value":%q}`, strings.Repeat("x", bytes)),
			RecordedAt: epoch.Add(time.Duration(int(w.head.Seq)+i) * time.Microsecond),
		}
	}
	after := new(eventstore.Chain).Seal(w.head, appendID(int(w.head.Seq)), page)
	if err := to.Append(t.Context(), w.head, page); err != nil {
		t.Fatal(err)
	}
	w.head, w.bytes = after, w.bytes+records*bytes
}
