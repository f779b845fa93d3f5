package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/clientcmd"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/setting"
)

func verifyCommand(env Env) *cobra.Command {
	var store, contains string
	c := &cobra.Command{
		Use:     "verify",
		GroupID: clientcmd.GroupServer,
		Example: `configapi verify
configapi verify --contains 1842-9f3a21c0`,
		Short: "check a hash chain",
		Long: `Walks the hash chain of a history and names the first position that was edited, removed, inserted,
swapped or cut off. It ends with 1 when there is one. It takes no lock, and may run beside a server.`,
		RunE: func(c *cobra.Command, _ []string) error { return verify(c.Context(), env, store, contains) },
	}
	setting.Register(c.Flags(), storeSetting(&store), setting.Setting{
		Flag: "contains", Value: setting.String(&contains, ""),
		Meaning: "a `POSITION`, as in 1842-9f3a21c0, that was seen earlier and must be in the history: shows that its end was not cut off",
	})
	return c
}

// verify checks the hash chain of a history from its first record to its head.
func verify(ctx context.Context, env Env, store, contains string) error {
	var seen eventstore.Position
	if contains != "" {
		var err error
		if seen, err = eventstore.ParsePosition(contains); err != nil {
			return startErrorf("--contains: %w", err)
		}
	}
	events, err := openForReading(ctx, store)
	if err != nil {
		return err
	}
	defer events.Close()

	head, err := walk(ctx, events, seen, auth.Codec())
	if lists, has := events.(listVerifier); has && err == nil {
		err = lists.VerifyLists(ctx)
	}
	var broken *eventstore.ChainError
	if errors.As(err, &broken) {
		return clientcmd.Differs("the history is broken at position %d: %s", broken.Seq, broken.Problem)
	}
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	fmt.Fprintf(env.Stdout, "ok: %d events, head %s\n", head.Seq, head.Position())
	return nil
}

// listVerifier is a store that finds old events by lists of its own. The hash chain does not cover
// them.
type listVerifier interface {
	VerifyLists(ctx context.Context) error
}

// walk checks all records up to the current head, that seen is one of them, and that a later event
// says so of each one whose data was erased. The error is an [*eventstore.ChainError] if the
// history is broken.
func walk(ctx context.Context, events eventstore.Store, seen eventstore.Position, codec config.Codec) (eventstore.Head, error) {
	const pageSize = 4096
	var chain eventstore.Chain
	var erasures eventstore.Erasures
	var at eventstore.Head
	head, err := events.Head(ctx)
	if err != nil {
		return at, err
	}
	for {
		records, err := events.Read(ctx, at.Seq, eventstore.Limit{Records: pageSize})
		if err != nil {
			return at, err
		}
		if len(records) == 0 {
			break
		}
		if at, err = chain.Verify(at, records); err != nil {
			return at, err
		}
		if err := erasures.AddRecords(codec, records); err != nil {
			return at, err
		}
		for i := range records {
			if record := eventstore.HeadOf(&records[i]); record.Seq == seen.Seq && record.Position() != seen {
				return at, &eventstore.ChainError{Seq: seen.Seq, Problem: "it is not the event that was seen there: " + record.Position().String()}
			}
		}
	}
	switch { // a server may have written since the head was read
	case at.Seq < head.Seq:
		return at, &eventstore.ChainError{Seq: at.Seq + 1, Problem: fmt.Sprintf("it is missing; the head is at %d", head.Seq)}
	case at.Seq < seen.Seq:
		return at, &eventstore.ChainError{Seq: at.Seq + 1, Problem: fmt.Sprintf("it is missing; position %s was seen", seen)}
	}
	if err := erasures.Unexplained(); err != nil {
		return at, err
	}
	if err := confirmHead(ctx, events, head); err != nil {
		return at, err
	}
	// The head row changes with the records, so by now it is at least where they end.
	if head, err = events.Head(ctx); err == nil && head.Seq < at.Seq {
		err = &eventstore.ChainError{Seq: head.Seq + 1, Problem: fmt.Sprintf("it is after the head, which is at %d", head.Seq)}
	}
	return at, err
}

// confirmHead compares the head row with its record.
func confirmHead(ctx context.Context, events eventstore.Store, head eventstore.Head) error {
	if head.Seq == 0 {
		return nil
	}
	records, err := events.Read(ctx, head.Seq-1, eventstore.Limit{Records: 1})
	if err != nil {
		return err
	}
	if len(records) != 1 || !eventstore.HeadOf(&records[0]).Same(head) {
		return &eventstore.ChainError{Seq: head.Seq, Problem: "the head has another hash than the record"}
	}
	return nil
}
