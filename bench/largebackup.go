package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// backups makes a backup to standard output, which is discarded, and one that is compressed, both
// beside the server.
func (l *large) backups(ctx context.Context) error {
	if err := l.backup(ctx, "backup", "-"); err != nil {
		return err
	}
	return l.backup(ctx, "backup with zstd", l.compressed())
}

// compressed returns the path of the compressed backup.
func (l *large) compressed() string { return filepath.Join(l.rig.dir, "large-"+l.store+".zst") }

// saidBytes is what `configapi backup` says of its length at its end.
var saidBytes = regexp.MustCompile(`, (\d+) bytes, `)

// backup makes a backup.
func (l *large) backup(ctx context.Context, what, file string) error {
	begin := time.Now()
	said, cpu, err := l.command(ctx, l.url, "backup", file)
	if err != nil {
		return err
	}
	took := time.Since(begin)
	match := saidBytes.FindStringSubmatch(said)
	if match == nil {
		return fmt.Errorf("a backup does not say how long it is: %q", said)
	}
	bytes, err := strconv.ParseInt(match[1], 10, 64)
	l.note(what, "%s, %s, %.0f MB/s, %s of CPU; %s, %.0f bytes an event", seconds(took), l.perSecond(took),
		float64(bytes)/took.Seconds()/1e6, seconds(cpu), megabytes(bytes), l.perEvent(bytes))
	return err
}

// restore restores the compressed backup into a new store, and removes both.
func (l *large) restore(ctx context.Context) error {
	defer l.rig.closeTo(len(l.rig.undo))
	url, err := l.rig.newStore(ctx, l.store, "restored")
	if err != nil {
		return err
	}
	begin, theirs := time.Now(), l.rig.databaseCPU(l.store)
	_, cpu, err := l.command(ctx, url, "restore-backup", l.compressed())
	if err != nil {
		return err
	}
	took := time.Since(begin)
	l.note("restore of the compressed backup", "%s, %s, %s of CPU", seconds(took), l.perSecond(took), seconds(cpu+l.rig.databaseCPU(l.store)-theirs))
	if l.store == storeSQLite {
		bytes := fileSize(sqlitePath(url))
		l.note("database file after a restore", "%s, %.0f bytes an event", megabytes(bytes), l.perEvent(bytes))
	}
	return os.Remove(l.compressed())
}

// command runs configapi on a store, with its output discarded, and returns what it said and the
// CPU time that it used.
func (l *large) command(ctx context.Context, store string, args ...string) (said string, cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, largePatience)
	defer cancel()
	var text strings.Builder
	command := exec.CommandContext(ctx, l.rig.binary, args...)
	command.Env = append(os.Environ(), "CONFIGAPI_STORE="+store)
	command.Stderr = &text
	if err := command.Run(); err != nil {
		return "", 0, fmt.Errorf("configapi %s: %w: %s", args[0], err, text.String())
	}
	return text.String(), command.ProcessState.UserTime() + command.ProcessState.SystemTime(), nil
}

func (l *large) perEvent(bytes int64) float64 { return float64(bytes) / float64(l.options.Events) }
