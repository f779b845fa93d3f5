package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/configstore"
)

func bootstrapTokenCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:     "bootstrap FILE",
		Example: `configapi token bootstrap first.token`,
		Short:   "make the file of a first token for a new server",
		Long: "Makes the first token of a server that does not run yet, prints its secret on standard output, and writes\n" +
			"its id and its digest into FILE, for `configapi serve --bootstrap-token-file FILE`. FILE must not be there\n" +
			"yet. The secret cannot be computed from it, but a person who may change FILE decides who has the token.",
		Args: oneWord("FILE"),
		RunE: func(_ *cobra.Command, words []string) error { return bootstrapToken(env, words[0]) },
	}
}

// bootstrapToken writes the file of a first token, and prints its secret.
func bootstrapToken(env Env, name string) error {
	secret, kept := auth.NewSecret()
	if err := writeNew(name, auth.BootstrapText(kept)); err != nil {
		return startErrorf("writing the file of the token: %w", err)
	}
	fmt.Fprintf(env.Stderr, "wrote %s; the token is `bootstrap`, and may do everything. This is shown once; nothing keeps it:\n", name)
	if _, err := fmt.Fprintln(env.Stdout, secret); err != nil {
		return fmt.Errorf("the secret could not be written; remove %s, and make another one: %w", name, err)
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(name, text string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	return errors.Join(err, file.Sync(), file.Close())
}

// readBootstrap reads the file of a first token. Nobody but its owner and its group may write to
// it.
func readBootstrap(name string) (c auth.Credential, err error) {
	// Opening a pipe would wait for a writer, and a signal would not end that.
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return c, fmt.Errorf("the bootstrap file %s is no regular file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return c, fmt.Errorf("opening the bootstrap file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return c, fmt.Errorf("reading the bootstrap file: %w", err)
	case info.Mode().Perm()&0o002 != 0 && runtime.GOOS != "windows":
		return c, fmt.Errorf("everyone may write to the bootstrap file %s, and so take the token: chmod o-w it", name)
	}
	text, err := io.ReadAll(io.LimitReader(file, auth.MaxBootstrapBytes+1))
	if err != nil {
		return c, fmt.Errorf("reading the bootstrap file: %w", err)
	}
	if c, err = auth.ParseBootstrap(string(text)); err != nil {
		return c, fmt.Errorf("the bootstrap file %s %w; `configapi token bootstrap FILE` makes one", name, err)
	}
	return c, nil
}

// begin returns a channel that is closed when the server may answer, and what has to run for that.
// Without a first token to issue, that is when the store is ready.
func begin(store *configstore.Store, first *auth.Credential, log *slog.Logger) (begun <-chan struct{}, issue func(context.Context) error) {
	if first == nil {
		return store.Ready(), func(context.Context) error { return nil }
	}
	issued := make(chan struct{})
	return issued, func(ctx context.Context) error {
		select {
		case <-store.Ready():
		case <-ctx.Done():
			return nil
		}
		if bootstrap(ctx, store, *first, log) {
			close(issued)
		}
		return nil
	}
}

// bootstrap issues the first token, unless there was one. It reports whether that is decided, which
// it is not when ctx ends before.
func bootstrap(ctx context.Context, store *configstore.Store, first auth.Credential, log *slog.Logger) bool {
	const pause = time.Second
	for failed := false; ; {
		issued, err := store.Bootstrap(ctx, first)
		if err == nil && !issued && failed { // a try whose outcome was unknown may have issued it
			_, missing := store.TokenOf(auth.Local, first.ID)
			issued = missing == nil
		}
		switch {
		case err == nil && issued:
			log.Info("issued the first token, which the bootstrap file has", "name", auth.BootstrapName, "public_id", "cfg_"+string(first.ID))
			return true
		case err == nil:
			log.Info("a token was issued before, so the bootstrap file has no effect")
			return true
		case ctx.Err() != nil:
			return false
		case !failed:
			failed = true
			log.Warn("the first token cannot be issued; trying again, and answering nothing but the probes until then", "error", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}
