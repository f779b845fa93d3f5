package cli

import (
	"context"
	"flag"
	"fmt"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
)

// tokenCommands are the commands below `configapi token`.
func tokenCommands() []command {
	return []command{
		{"create", "make a token, and print its secret", createToken},
		{"list", "list the tokens that are not revoked", listTokens},
		{"rotate", "give a token a new secret, and print it", rotateToken},
		{"grant", "give a token other grants in place of its own", grantToken},
		{"revoke", "end a token for ever", revokeToken},
		{"whois", "say whose a secret is", whoisToken},
	}
}

const aboutTokens = "Makes and manages tokens directly in a store, as the actor `local`, which may do everything. With SQLite\n" +
	"the server must be stopped to change a token; with PostgreSQL all servers know of a change at once."

// token runs one of the commands for tokens.
func token(ctx context.Context, env Env) error {
	if len(env.Args) == 0 || isHelp(env.Args[0]) {
		fmt.Fprintf(env.Stdout, "Usage: configapi token COMMAND [FLAGS]\n\n%s\n\n", aboutTokens)
		for _, c := range tokenCommands() {
			fmt.Fprintf(env.Stdout, "  %-6s  %s\n", c.name, c.summary)
		}
		fmt.Fprint(env.Stdout, "\n`configapi token COMMAND -h` lists the flags of a command.\n")
		return nil
	}
	for _, c := range tokenCommands() {
		if c.name == env.Args[0] {
			env.Args = env.Args[1:]
			return c.run(ctx, env)
		}
	}
	// The word is not repeated: it may be a secret.
	return startErrorf("there is no such command for tokens; see `configapi token help`")
}

// tokenFlags are what the command line says about a token.
type tokenFlags struct {
	*flag.FlagSet
	store, reason string
	grants        grants
	expected      int64
}

func newTokenFlags(name string) *tokenFlags {
	f := &tokenFlags{FlagSet: flag.NewFlagSet("token "+name, flag.ContinueOnError)}
	f.StringVar(&f.store, "store", defaultStore, storeUsage)
	return f
}

// forChange adds the flags of commands that change a token.
func (f *tokenFlags) forChange() *tokenFlags {
	f.StringVar(&f.reason, "reason", "", "`TEXT` that says why, for the history")
	return f
}

// forVersion adds the flag of commands that may expect a version.
func (f *tokenFlags) forVersion() *tokenFlags {
	f.Int64Var(&f.expected, "expected-version", 0, "fail unless the token has this `VERSION`; 0: any")
	return f
}

func (f *tokenFlags) withGrants() *tokenFlags {
	f.Var(&f.grants, "grant", "`ACTIONS:PREFIX` that the token may do, such as READ,WRITE:payments; an empty prefix is everything; may be repeated")
	return f
}

// parseName parses the flags, and returns the one NAME that must stand beside them.
func (f *tokenFlags) parseName(env Env, about string) (auth.TokenFields, error) {
	names, err := parseFlagsAndWords(env, f.FlagSet, "NAME", about, variables{"store": storeVariables})
	if err != nil {
		return auth.TokenFields{}, err
	}
	if len(names) != 1 {
		return auth.TokenFields{}, startErrorf("name one token, not %d; see `configapi %s -h`", len(names), f.Name())
	}
	fields := auth.TokenFields{Name: names[0], Grants: f.grants}
	if f.expected != 0 {
		fields.ExpectedVersion = &f.expected
	}
	return fields, nil
}

// change checks a command for a token, opens the store, and carries the command out.
func change[C auth.TokenCommand](ctx context.Context, f *tokenFlags, parse func() (C, error),
	do func(*configstore.Store, context.Context, auth.Caller, C, config.Reason) (configstore.TokenOutcome, error)) (outcome configstore.TokenOutcome, err error) {
	cmd, err := parse()
	if err != nil {
		return outcome, startErrorf("%w; see `configapi %s -h`", err, f.Name())
	}
	var reason config.Reason
	if f.reason != "" {
		if reason, err = config.ParseReason(f.reason); err != nil {
			return outcome, &startError{err}
		}
	}
	err = onStore(ctx, f.store, openToManage, func(store *configstore.Store) error {
		outcome, err = do(store, ctx, auth.Local, cmd, reason)
		return err
	})
	return outcome, err
}

func createToken(ctx context.Context, env Env) error {
	f := newTokenFlags("create").forChange().withGrants()
	var expires lifetime
	f.Var(&expires, "expires", "the token ends after this `TIME`, such as 90d or 12h; never when left out")
	fields, err := f.parseName(env, `Makes a token, and prints its secret on standard output: nothing keeps it, and it cannot be shown
again. NAME has 1 to 64 letters, digits, _, - and ., and was never that of another token. The first
token of a store closes its servers for all who have none. `+besideServers)
	if err != nil {
		return err
	}
	fields.ExpiresAt = expires.from(time.Now())
	outcome, err := change(ctx, f, fields.Issue, (*configstore.Store).CreateToken)
	if err != nil {
		return err
	}
	return printSecret(env, "made", outcome)
}

func rotateToken(ctx context.Context, env Env) error {
	f := newTokenFlags("rotate").forChange().forVersion()
	var keep lifetime
	f.Var(&keep, "keep-old", "the secret before is good for this `TIME`, such as 24h or 7d, at most 30d; it ends at once when left out")
	fields, err := f.parseName(env, `Gives a token a new secret, and prints it on standard output. Its name and its grants stay.
`+besideServers)
	if err != nil {
		return err
	}
	fields.KeepOldUntil = keep.from(time.Now())
	outcome, err := change(ctx, f, fields.Rotate, (*configstore.Store).RotateToken)
	if err != nil {
		return err
	}
	return printSecret(env, "rotated", outcome)
}

func grantToken(ctx context.Context, env Env) error {
	f := newTokenFlags("grant").forChange().forVersion().withGrants()
	fields, err := f.parseName(env, `Gives a token the grants that --grant names, in place of all that it has. `+besideServers)
	if err != nil {
		return err
	}
	outcome, err := change(ctx, f, fields.ChangeGrants, (*configstore.Store).ChangeGrants)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "%s may now do %s; version %d\n", outcome.Token.Name, grantsText(outcome.Token.Grants), outcome.Token.Version)
	return nil
}

func revokeToken(ctx context.Context, env Env) error {
	f := newTokenFlags("revoke").forChange().forVersion()
	fields, err := f.parseName(env, `Ends a token for ever, and each stream that was opened with it. Its name is never given to another
one. Servers stay closed when the last token is revoked. `+besideServers)
	if err != nil {
		return err
	}
	outcome, err := change(ctx, f, fields.Revoke, (*configstore.Store).RevokeToken)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "%s is revoked; version %d\n", outcome.Token.Name, outcome.Token.Version)
	return nil
}

const besideServers = `With
SQLite the server must be stopped; with PostgreSQL the command runs beside servers.`

// printSecret prints the secret alone on standard output, and what else there is to say on standard
// error.
func printSecret(env Env, done string, outcome configstore.TokenOutcome) error {
	t := outcome.Token
	fmt.Fprintf(env.Stderr, "%s %s, which may do %s and %s; version %d. This is shown once; nothing keeps it:\n",
		done, t.Name, grantsText(t.Grants), expiryText(t.ExpiresAt), t.Version)
	if _, err := fmt.Fprintln(env.Stdout, outcome.Secret); err != nil {
		return fmt.Errorf("the token was %s, but its secret could not be written; rotate the token to get another one: %w", done, err)
	}
	return nil
}
