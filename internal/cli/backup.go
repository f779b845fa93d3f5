package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/backup"
	"configapi/internal/clientcmd"
	"configapi/internal/eventstore"
	"configapi/internal/setting"
)

func backupCommand(env Env) *cobra.Command {
	var store string
	var force bool
	c := &cobra.Command{
		Use:     "backup FILE",
		GroupID: clientcmd.GroupMove,
		Example: `configapi backup configapi.backup.zst
configapi backup - --store postgres://database/configapi > configapi.backup`,
		Short: "write a history to FILE",
		Long: `Writes all events up to the present head of a history into FILE, one JSON object a line, and verifies
the hash chain meanwhile. It may run beside a server. FILE is compressed with zstd if its name ends
with .zst; - means standard output. FILE appears when it is whole. Two backups of one history at one
head are the same bytes. Idempotency keys are not in it.`,
		Args: oneWord("FILE"),
		RunE: func(c *cobra.Command, words []string) error {
			return backUp(c.Context(), env, store, words[0], force)
		},
	}
	setting.Register(c.Flags(), storeSetting(&store), setting.Setting{
		Flag: "force", Value: setting.Switch(&force), Meaning: "replace FILE if it exists; the old file stays until the new one is whole",
	})
	return c
}

// backUp writes a history into a file.
func backUp(ctx context.Context, env Env, store, file string, force bool) error {
	events, err := openForReading(ctx, store)
	if err != nil {
		return err
	}
	defer events.Close()
	begin := time.Now()
	head, bytes, err := writeBackup(ctx, env, events, file, force)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "backed up %d events, head %s, %d bytes, %d events/s\n", head.Seq, head.Position(), bytes, perSecond(head.Seq, begin))
	return nil
}

// writeBackup writes a backup to a file, or to standard output, and returns how many bytes it has.
func writeBackup(ctx context.Context, env Env, events storage, name string, force bool) (eventstore.Head, int64, error) {
	bar := newProgressBar(env.Stderr)
	defer bar.clear()
	if name == "-" {
		out := &counter{Writer: env.Stdout}
		head, err := backup.Write(ctx, out, events, auth.Codec(), bar.show)
		return head, out.bytes, backupError(ctx, err)
	}
	file, err := backup.Create(name, force)
	if errors.Is(err, backup.ErrExists) {
		return eventstore.Head{}, 0, startErrorf("%w; choose another name, or replace it with --force", err)
	}
	if err != nil {
		return eventstore.Head{}, 0, startErrorf("making the backup: %w", err)
	}
	head, err := backup.Write(ctx, file, events, auth.Codec(), bar.show)
	if err != nil {
		return head, 0, errors.Join(backupError(ctx, err), file.Discard())
	}
	err = backupError(ctx, file.Commit())
	return head, file.Bytes(), err // compressed bytes are complete once they are committed
}

// backupError says what failed. A broken history says so itself.
func backupError(ctx context.Context, err error) error {
	var broken *eventstore.ChainError
	switch {
	case err == nil || errors.As(err, &broken):
		return err
	case ctx.Err() != nil:
		return errors.New("the backup was interrupted; there is no file")
	default:
		return fmt.Errorf("writing the backup: %w", err)
	}
}

// counter counts the bytes that are written to a writer.
type counter struct {
	io.Writer
	bytes int64
}

func (c *counter) Write(part []byte) (int, error) {
	n, err := c.Writer.Write(part)
	c.bytes += int64(n)
	return n, err
}

// perSecond returns how many events were done in each second since begin.
func perSecond(events eventstore.Seq, begin time.Time) int64 {
	return int64(float64(events) / max(time.Since(begin).Seconds(), 1e-9))
}
