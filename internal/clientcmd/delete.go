package clientcmd

import (
	"context"

	"github.com/spf13/cobra"

	"configapi/internal/restclient"
)

func newDelete(env Env) *cobra.Command {
	var f writeFlags
	var ifVersion int64
	cmd := &cobra.Command{
		Use:     "delete NAME...",
		Short:   "delete configs",
		GroupID: GroupWrite,
		Args:    words(1, many),
		Long: `Deletes configs, all together or none. Their history stays, and
` + "`configapi restore`" + ` brings them back. A name that no config has, or that is
deleted already, is an error.`,
		Example: `  configapi delete payments/timeout -m "the bank has no limit any more"
  configapi delete payments/retries payments/backoff --dry-run`,
	}
	f.addTo(cmd.Flags())
	cmd.Flags().Int64Var(&ifVersion, "if-version", 0, "delete only when the config, which must be the only one, has version `N`")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		set := restclient.ChangeSet{}
		for _, arg := range args {
			name, err := s.fullName(arg)
			if err != nil {
				return err
			}
			set.Changes = append(set.Changes, restclient.Change{Delete: &restclient.Delete{Name: name}})
		}
		if cmd.Flags().Changed("if-version") {
			if len(args) > 1 {
				return UsageErrorf("--if-version takes one NAME, since each config has a version of its own")
			}
			set.Changes[0].Delete.ExpectedVersion = &ifVersion
		}
		return s.apply(ctx, f, set)
	})
}
