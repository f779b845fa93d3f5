package backup_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"

	"configapi/internal/backup"
	"configapi/internal/config"
	"configapi/internal/eventstore/memory"
)

// benchEvents is how many events a measured history has: 200,000 of 10,000 names.
const benchEvents, benchNames = 200_000, 10_000

// BenchmarkWrite measures backups of a history, BenchmarkRestore restores of it.
func BenchmarkWrite(b *testing.B) {
	for _, name := range kinds {
		b.Run(name, func(b *testing.B) {
			from := MustOpen(b, name)
			MustRestore(b, plainBackup(b), from)
			b.ResetTimer()
			for b.Loop() {
				if _, err := backup.Write(b.Context(), io.Discard, from, config.Codec{}, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(benchEvents*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
	b.Run("zstd", func(b *testing.B) {
		from := memory.New()
		MustRestore(b, plainBackup(b), from)
		for b.Loop() {
			file, err := backup.Create(filepath.Join(b.TempDir(), "b.zst"), true)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := backup.Write(b.Context(), file, from, config.Codec{}, nil); err != nil {
				b.Fatal(err)
			}
			if err := file.Commit(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(file.Bytes())/benchEvents, "B/event")
		}
		b.ReportMetric(float64(benchEvents*b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

func BenchmarkRestore(b *testing.B) {
	for _, name := range kinds {
		b.Run(name, func(b *testing.B) {
			from := plainBackup(b)
			for b.Loop() {
				MustRestore(b, from, MustOpen(b, name))
			}
			b.ReportMetric(float64(benchEvents*b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(len(from))/benchEvents, "B/event")
		})
	}
}

var benched []byte // what plainBackup returned

// plainBackup returns a backup of a history of the size that is measured.
func plainBackup(b *testing.B) []byte {
	b.Helper()
	if benched != nil {
		return benched
	}
	from := memory.New()
	var f filler
	for f.head.Seq < benchEvents {
		before := f.head
		if err := from.Append(context.Background(), before, f.next(1000)); err != nil {
			b.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := backup.Write(context.Background(), &out, from, config.Codec{}, nil); err != nil {
		b.Fatal(err)
	}
	benched = out.Bytes()
	return benched
}
