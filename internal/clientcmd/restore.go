package clientcmd

import (
	"context"

	"github.com/spf13/cobra"

	"configapi/client/rest"
)

func newRestore(env Env) *cobra.Command {
	var f writeFlags
	cmd := &cobra.Command{
		Use:     "restore NAME...",
		Short:   "bring deleted ones back",
		GroupID: GroupWrite,
		Args:    words(1, many),
		Long: `Brings deleted configs back with the values that they had, all together or none.
A config that is not deleted is an error: the command ends with 4.
` + "`configapi list --deleted`" + ` shows what can be restored.`,
		Example: `  configapi restore payments/timeout -m "the bank has a limit again"
  configapi restore payments/retries payments/backoff`,
	}
	f.addTo(cmd.Flags())
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		set := rest.ChangeSet{}
		for _, arg := range args {
			name, err := s.fullName(arg)
			if err != nil {
				return err
			}
			set.Changes = append(set.Changes, rest.Change{Restore: &rest.Restore{Name: name}})
		}
		return s.apply(ctx, f, set)
	})
}
