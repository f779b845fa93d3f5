package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/backup"
	"configapi/internal/clientcmd"
	"configapi/internal/setting"
)

func restoreBackupCommand(env Env) *cobra.Command {
	var store string
	var tokens tokensChoice
	c := &cobra.Command{
		Use:     "restore-backup FILE",
		GroupID: clientcmd.GroupMove,
		Example: `configapi restore-backup configapi.backup.zst --store sqlite:data/new.db --tokens keep
configapi restore-backup configapi.backup.zst --store postgres://database/configapi --tokens revoke`,
		Short: "put a backup in a store",
		Long: `Puts the events of the backup FILE into a store that is empty, or that holds a beginning of the same
history, and verifies the hash chain meanwhile. Positions and hashes stay as they are, so the store
may be of another kind than the one that was backed up. Tokens come back, too, and are good for this
store as well, unless --tokens revoke ends all of them. FILE may be compressed with zstd; - means
standard input. No server may run on the store, and none starts on it before it is whole. After an
interruption the same command goes on where it was.`,
		Args: oneWord("FILE"),
		RunE: func(c *cobra.Command, words []string) error {
			return restoreBackup(c.Context(), env, store, words[0], tokens)
		},
	}
	setting.Register(c.Flags(), storeSetting(&store), setting.Setting{
		Flag: "tokens", Value: setting.Of(&tokens), Meaning: "what becomes of tokens that the backup has: `keep|revoke`; asked for on a terminal, needed in scripts",
	})
	return c
}

// restoreBackup puts the history of a backup into a store.
func restoreBackup(ctx context.Context, env Env, store, name string, tokens tokensChoice) error {
	in := &countingReader{in: env.Stdin}
	if name != "-" {
		tokens.asks = isTerminal(env.Stdin) && isTerminal(env.Stderr)
		file, err := os.Open(name)
		if err != nil {
			return startErrorf("opening the backup: %w", err)
		}
		defer file.Close()
		in.in = file
	}
	plain, err := backup.Decompress(in)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	// A file that is no backup is refused before a store is made.
	from, err := backup.NewReader(plain, auth.Codec())
	if err != nil {
		return err
	}
	events, err := openForRestoring(ctx, store)
	if err != nil {
		return err
	}
	return errors.Join(restoreFrom(ctx, env, from, events, in, tokens), events.Close())
}

func restoreFrom(ctx context.Context, env Env, from *backup.Reader, events storage, in *countingReader, tokens tokensChoice) error {
	bar, begin := newProgressBar(env.Stderr), time.Now()
	did, err := backup.Restore(ctx, from, events, backup.Options{Progress: bar.show, Tokens: func() (backup.Tokens, error) {
		bar.clear()
		return tokens.choose(ctx, env)
	}})
	bar.clear()
	var refused *backup.RefusedError
	switch {
	case errors.As(err, &refused):
		return startErrorf("%w", err)
	case errors.As(err, new(*startError)):
		return err
	case err != nil && ctx.Err() != nil:
		return errors.New("the restore was interrupted; the same command goes on where it was")
	case err != nil:
		return fmt.Errorf("restoring the backup: %w", err)
	}
	fmt.Fprintf(env.Stderr, "restored %d events after %d that were there, head %s, %d bytes, %d events/s\n",
		did.Added, did.Found, did.Head.Position(), in.bytes, perSecond(did.Head.Seq, begin))
	switch {
	case did.Revoked > 0:
		fmt.Fprintf(env.Stderr, "revoked %s of the backup; make others with `configapi token create`\n", tokensText(did.Revoked))
	case did.InForce > 0:
		fmt.Fprintf(env.Stderr, "kept %s of the backup in force: they are good for this store, too\n", tokensText(did.InForce))
	case did.HadTokens:
		fmt.Fprintln(env.Stderr, "no token of the backup is in force; make one with `configapi token create`")
	}
	fmt.Fprintln(env.Stderr, "a backup has no idempotency keys: a request that is sent again with a key from before may take effect twice")
	return nil
}

func tokensText(n int) string {
	if n == 1 {
		return "1 token"
	}
	return fmt.Sprintf("%d tokens", n)
}

// countingReader counts the bytes that are read.
type countingReader struct {
	in    io.Reader
	bytes int64
}

func (c *countingReader) Read(into []byte) (int, error) {
	n, err := c.in.Read(into)
	c.bytes += int64(n)
	return n, err
}
