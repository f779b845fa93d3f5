package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/clientcmd"
	"configapi/internal/clientconfig"
	"configapi/internal/config"
	"configapi/internal/setting"
)

func tokenCommand(env Env) *cobra.Command {
	c := &cobra.Command{
		Use:     "token",
		GroupID: clientcmd.GroupRights,
		Short:   "make and manage tokens",
		Long: "Makes and manages tokens: over the admin socket of a running server, or directly in a store, as the\n" +
			"actor `local`, which may do everything; or at a server's address, as a token that has ADMIN.",
	}
	c.AddCommand(createTokenCommand(env), listTokensCommand(env), rotateTokenCommand(env), grantTokenCommand(env),
		revokeTokenCommand(env), whoisTokenCommand(env), bootstrapTokenCommand(env))
	return c
}

// tokenChange is what the command line says about a change of a token.
type tokenChange struct {
	place
	reason   string
	grants   grants
	expected int64
	confirm  string // "": it was not given
}

// command completes a command that changes the token that its one word names. run gets what the
// flags and the word say.
func (t *tokenChange) command(env Env, c *cobra.Command, run func(context.Context, auth.TokenFields) error, settings ...setting.Setting) *cobra.Command {
	c.Use += " NAME"
	c.Long += aboutPlaces
	c.Args = func(c *cobra.Command, words []string) error {
		if len(words) != 1 {
			return startErrorf("name one token, not %d; see `%s -h`", len(words), c.CommandPath())
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, words []string) error {
		t.agree = func(to clientconfig.Target) error {
			return clientcmd.Confirm(c.Context(), env, to.Context, t.confirm, func() (string, error) {
				return fmt.Sprintf("%s the token %s at %s.\n", c.Name(), words[0], to.URL), nil
			})
		}
		fields := auth.TokenFields{Name: words[0], Grants: t.grants}
		if t.expected != 0 {
			fields.ExpectedVersion = &t.expected
		}
		return run(c.Context(), fields)
	}
	setting.Register(c.Flags(), settings...)
	setting.Register(c.Flags(), setting.Setting{
		Flag: "reason", Value: setting.String(&t.reason, ""), Meaning: "`TEXT` that says why, for the history",
	}, setting.Setting{
		Flag: "confirm", Value: setting.String(&t.confirm, ""), Meaning: "`NAME` of the context, to change the token without being asked for it where the context has confirm: true",
	})
	setting.Register(c.Flags(), t.place.table()...)
	if c.Name() != "create" { // whose token is not there yet
		complete := t.place.tokensOf(env)
		c.ValidArgsFunction = func(c *cobra.Command, words []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(words) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return complete(c, words, word)
		}
	}
	return c
}

func (t *tokenChange) grantSetting() setting.Setting {
	return setting.Setting{
		Flag: "grant", Value: setting.Of(&t.grants),
		Meaning: "`ACTIONS:PREFIX` that the token may do, such as READ,WRITE:payments; an empty prefix is everything; may be repeated",
	}
}

func (t *tokenChange) versionSetting() setting.Setting {
	return setting.Setting{
		Flag: "expected-version", Value: setting.Int64(&t.expected, 0), Meaning: "fail unless the token has this `VERSION`; 0: any",
	}
}

// changeToken checks a command for a token, and carries it out. It returns the token after it, and
// the secret that it got.
func changeToken[C auth.TokenCommand](ctx context.Context, env Env, change *tokenChange, parse func() (C, error)) (t *auth.Token, secret string, err error) {
	cmd, err := parse()
	if err != nil {
		return nil, "", startErrorf("%w; see `configapi token help`", err)
	}
	var reason config.Reason
	if change.reason != "" {
		if reason, err = config.ParseReason(change.reason); err != nil {
			return nil, "", &startError{err}
		}
	}
	open := openToChange
	if _, issues := any(cmd).(auth.IssueToken); issues {
		open = openToManage
	}
	err = change.use(ctx, env, open, func(tokens tokens) error {
		t, secret, err = tokens.ChangeToken(ctx, cmd, reason)
		return err
	})
	return t, secret, err
}

func createTokenCommand(env Env) *cobra.Command {
	var change tokenChange
	var expires lifetime
	return change.command(env, &cobra.Command{
		Use:   "create",
		Short: "make a token, and print its secret",
		Long: `Makes a token, and prints its secret on standard output: nothing keeps it, and it cannot be shown
again. NAME has 1 to 64 letters, digits, _, - and ., and was never that of another token. The first
token of a store closes its servers for all who have none.`,
		Example: `configapi token create ci --grant READ,WRITE:payments --expires 90d`,
	}, func(ctx context.Context, fields auth.TokenFields) error {
		fields.ExpiresAt = expires.from(time.Now())
		return printNew(ctx, env, "made", &change, fields.Issue)
	}, change.grantSetting(), setting.Setting{
		Flag: "expires", Value: setting.Of(&expires), Meaning: "the token ends after this `TIME`, such as 90d or 12h; never when left out",
	})
}

func rotateTokenCommand(env Env) *cobra.Command {
	var change tokenChange
	var keep lifetime
	return change.command(env, &cobra.Command{
		Use:     "rotate",
		Short:   "give a token a new secret, and print it",
		Long:    `Gives a token a new secret, and prints it on standard output. Its name and its grants stay.`,
		Example: `configapi token rotate ci --keep-old 24h`,
	}, func(ctx context.Context, fields auth.TokenFields) error {
		fields.KeepOldUntil = keep.from(time.Now())
		return printNew(ctx, env, "rotated", &change, fields.Rotate)
	}, setting.Setting{
		Flag: "keep-old", Value: setting.Of(&keep), Meaning: "the secret before is good for this `TIME`, such as 24h or 7d, at most 30d; it ends at once when left out",
	}, change.versionSetting())
}

func grantTokenCommand(env Env) *cobra.Command {
	var change tokenChange
	return change.command(env, &cobra.Command{
		Use:     "grant",
		Short:   "give a token other grants in place of its own",
		Long:    `Gives a token the grants that --grant names, in place of all that it has.`,
		Example: `configapi token grant ci --grant READ:payments`,
	}, func(ctx context.Context, fields auth.TokenFields) error {
		t, _, err := changeToken(ctx, env, &change, fields.ChangeGrants)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Stderr, "%s may now do %s; version %d\n", t.Name, grantsText(t.Grants), t.Version)
		return nil
	}, change.grantSetting(), change.versionSetting())
}

func revokeTokenCommand(env Env) *cobra.Command {
	var change tokenChange
	return change.command(env, &cobra.Command{
		Use:   "revoke",
		Short: "end a token for ever",
		Long: `Ends a token for ever, and each stream that was opened with it. Its name is never given to another
one. Servers stay closed when the last token is revoked.`,
		Example: `configapi token revoke ci --reason "its secret was in a log"`,
	}, func(ctx context.Context, fields auth.TokenFields) error {
		t, _, err := changeToken(ctx, env, &change, fields.Revoke)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Stderr, "%s is revoked\n", t.Name)
		return nil
	}, change.versionSetting())
}

// printNew carries out a command that gives a token a new secret, and prints the secret.
func printNew[C auth.TokenCommand](ctx context.Context, env Env, done string, change *tokenChange, parse func() (C, error)) error {
	t, secret, err := changeToken(ctx, env, change, parse)
	if err != nil {
		return err
	}
	return printSecret(env, done, t, secret)
}

// printSecret prints the secret alone on standard output, and what else there is to say on standard
// error.
func printSecret(env Env, done string, t *auth.Token, secret string) error {
	fmt.Fprintf(env.Stderr, "%s %s, which may do %s and %s; version %d. This is shown once; nothing keeps it:\n",
		done, t.Name, grantsText(t.Grants), expiryText(t.ExpiresAt), t.Version)
	if _, err := fmt.Fprintln(env.Stdout, secret); err != nil {
		return fmt.Errorf("the token was %s, but its secret could not be written; rotate the token to get another one: %w", done, err)
	}
	return nil
}
