package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"configapi/internal/clientcmd"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/setting"
)

func migrateCommand(env Env) *cobra.Command {
	var store, grantTo string
	c := &cobra.Command{
		Use:     "migrate",
		GroupID: clientcmd.GroupServer,
		Example: `configapi migrate --store postgres://owner@database/configapi --grant-to configapi`,
		Short:   "make PostgreSQL tables",
		Long: `Makes the tables of a PostgreSQL store, or brings them to the schema of this version. Run it as the
role that will own them, before the first server of a new version: the servers then need a role
that can read and append, but can neither change the tables nor what is in the history. Running it
again does no harm. Other stores need none of it.`,
		RunE: func(c *cobra.Command, _ []string) error { return migrate(c.Context(), env, store, grantTo) },
	}
	setting.Register(c.Flags(), storeSetting(&store), setting.Setting{
		Flag: "grant-to", Value: setting.String(&grantTo, ""),
		Meaning: "`ROLE` of the servers, which must exist; it gets the rights that a server needs and that it lacks",
	})
	return c
}

// migrate brings the tables of a PostgreSQL store to the present schema, and grants the rights of a
// server.
func migrate(ctx context.Context, env Env, store, grantTo string) error {
	switch kind := kindOf(store); {
	case isPostgres(store):
	case grantTo != "":
		return startErrorf("--grant-to is for a store postgres://…: other stores have no roles")
	case kind == "sqlite" || kind == "memory":
		fmt.Fprintf(env.Stdout, "nothing to do: a store %s is brought to the present schema when it is opened\n", kind)
		return nil
	default:
		return unknownStore()
	}
	if err := checkAddress("the address of the store", store); err != nil {
		return err
	}
	did, err := postgres.Migrate(ctx, store, grantTo)
	if err != nil {
		return &startError{err}
	}
	printMigration(env.Stdout, did, grantTo)
	return nil
}

func printMigration(out io.Writer, did postgres.Migration, role string) {
	switch did.Before {
	case did.After:
		fmt.Fprintf(out, "schema: version %d, as it was\n", did.After)
	case 0:
		fmt.Fprintf(out, "schema: version %d, made\n", did.After)
	default:
		fmt.Fprintf(out, "schema: version %d, brought from version %d\n", did.After, did.Before)
	}
	switch {
	case role == "":
		return
	case len(did.Granted) == 0:
		fmt.Fprintf(out, "granted to %s: nothing, it has what a server needs\n", role)
	default:
		fmt.Fprintf(out, "granted to %s: %s\n", role, strings.Join(did.Granted, "; "))
	}
	if len(did.Excess) > 0 {
		fmt.Fprintf(out, "%s has more than a server needs: %s\n", role, strings.Join(did.Excess, "; "))
	}
}
