package clientcmd

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
)

func newDelete(env Env) *cobra.Command {
	var f writeFlags
	var ifVersion int64
	var recursive, yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME...",
		Short:   "delete configs",
		GroupID: GroupWrite,
		Args:    words(1, many),
		Long: `Deletes configs, all together or none. Their history stays, and
` + "`configapi restore`" + ` brings them back. A name that no config has, or that is
deleted already, is an error.

With -r, all configs below each NAME are deleted as well, and a NAME may be a
mere prefix. On a terminal it shows what will be deleted, and asks. More than
1000 configs are deleted in several sets, one after the other.
` + "`configapi revert POSITION`" + ` undoes a set.`,
		Example: `  configapi delete payments/timeout -m "the bank has no limit any more"
  configapi delete payments/retries payments/backoff --dry-run
  configapi delete -r payments/old --yes`,
	}
	f.addTo(cmd.Flags())
	cmd.Flags().Int64Var(&ifVersion, "if-version", 0, "delete only when the config, which must be the only one, has version `N`")
	cmd.Flags().BoolVarP(&recursive, "recursive", "r", false, "delete the configs below each NAME as well")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		given := cmd.Flags().Changed("if-version")
		switch {
		case given && (recursive || len(args) > 1):
			return UsageErrorf("--if-version takes one NAME, since each config has a version of its own")
		case recursive:
			return s.deleteBelow(ctx, f, args, yes)
		}
		set := rest.ChangeSet{}
		for _, arg := range args {
			name, err := s.fullName(arg)
			if err != nil {
				return err
			}
			set.Changes = append(set.Changes, rest.Change{Delete: &rest.Delete{Name: name}})
		}
		if given {
			set.Changes[0].Delete.ExpectedVersion = &ifVersion
		}
		return s.apply(ctx, f, set)
	})
}

// deleteBelow deletes the configs at and below prefixes, as they are at one position: the set that
// has one which has changed since is rejected.
func (s *session) deleteBelow(ctx context.Context, f writeFlags, prefixes []string, yes bool) error {
	b := &bulk{}
	found := make(map[string]bool)
	for _, prefix := range prefixes {
		name, err := s.fullName(strings.TrimSuffix(prefix, "/"))
		if err != nil {
			return err
		}
		n := 0
		at, err := s.client.Configs(ctx, rest.List{Prefix: name, At: b.asSeenAt}, func(c rest.Config) error {
			n++
			if !found[c.Name] {
				b.changes = append(b.changes, rest.Change{Delete: &rest.Delete{Name: c.Name}})
			}
			found[c.Name] = true
			return nil
		})
		switch {
		case err != nil:
			return err
		case n == 0:
			return s.noneBelow(name)
		}
		b.asSeenAt = at
	}
	// A context that confirms shows the same, and asks by itself.
	if _, isTerminal := s.env.Width(s.env.Stdin); isTerminal && !yes && !f.dryRun && !s.target.Confirm {
		if err := s.askToDelete(b.changes); err != nil {
			return err
		}
	}
	return s.applyAll(ctx, f, b)
}

// askToDelete shows the names that are to be deleted, as many as are shown of a change set.
func (s *session) askToDelete(changes []rest.Change) error {
	for _, c := range changes[:min(len(changes), maxDescribed)] {
		s.note("  delete %s", s.shortName(c.Delete.Name))
	}
	if more := len(changes) - maxDescribed; more > 0 {
		s.note("  … and %d more", more)
	}
	return s.ask("Delete %s?", count(len(changes), "config"))
}
