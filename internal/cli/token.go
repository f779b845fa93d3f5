package cli

import (
	"context"
	"flag"
	"fmt"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
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
		{"bootstrap", "make the file of a first token for a new server", bootstrapToken},
	}
}

const aboutTokens = "Makes and manages tokens: over the admin socket of a running server, or directly in a store, as the actor\n" +
	"`local`, which may do everything; or at a server's address, as a token that has ADMIN."

// token runs one of the commands for tokens.
func token(ctx context.Context, env Env) error {
	if len(env.Args) == 0 || isHelp(env.Args[0]) {
		fmt.Fprintf(env.Stdout, "Usage: configapi token COMMAND [FLAGS]\n\n%s\n\n", aboutTokens)
		for _, c := range tokenCommands() {
			fmt.Fprintf(env.Stdout, "  %-9s  %s\n", c.name, c.summary)
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
	place
	reason   string
	grants   grants
	expected int64
}

func newTokenFlags(name string) *tokenFlags {
	f := &tokenFlags{FlagSet: flag.NewFlagSet("token "+name, flag.ContinueOnError)}
	f.place.flags(f.FlagSet)
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
	names, err := parseFlagsAndWords(env, f.FlagSet, "NAME", about, nil)
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

// change checks a command for a token, and carries it out. It returns the token after it, and the
// secret that it got.
func change[C auth.TokenCommand](ctx context.Context, env Env, f *tokenFlags, parse func() (C, error)) (t *auth.Token, secret string, err error) {
	cmd, err := parse()
	if err != nil {
		return nil, "", startErrorf("%w; see `configapi %s -h`", err, f.Name())
	}
	var reason config.Reason
	if f.reason != "" {
		if reason, err = config.ParseReason(f.reason); err != nil {
			return nil, "", &startError{err}
		}
	}
	open := openToChange
	if _, issues := any(cmd).(auth.IssueToken); issues {
		open = openToManage
	}
	err = f.use(ctx, env, open, func(tokens tokens) error {
		t, secret, err = tokens.ChangeToken(ctx, cmd, reason)
		return err
	})
	return t, secret, err
}

func createToken(ctx context.Context, env Env) error {
	f := newTokenFlags("create").forChange().withGrants()
	var expires lifetime
	f.Var(&expires, "expires", "the token ends after this `TIME`, such as 90d or 12h; never when left out")
	fields, err := f.parseName(env, `Makes a token, and prints its secret on standard output: nothing keeps it, and it cannot be shown
again. NAME has 1 to 64 letters, digits, _, - and ., and was never that of another token. The first
token of a store closes its servers for all who have none.`+aboutPlaces)
	if err != nil {
		return err
	}
	fields.ExpiresAt = expires.from(time.Now())
	t, secret, err := change(ctx, env, f, fields.Issue)
	if err != nil {
		return err
	}
	return printSecret(env, "made", t, secret)
}

func rotateToken(ctx context.Context, env Env) error {
	f := newTokenFlags("rotate").forChange().forVersion()
	var keep lifetime
	f.Var(&keep, "keep-old", "the secret before is good for this `TIME`, such as 24h or 7d, at most 30d; it ends at once when left out")
	fields, err := f.parseName(env, `Gives a token a new secret, and prints it on standard output. Its name and its grants stay.`+aboutPlaces)
	if err != nil {
		return err
	}
	fields.KeepOldUntil = keep.from(time.Now())
	t, secret, err := change(ctx, env, f, fields.Rotate)
	if err != nil {
		return err
	}
	return printSecret(env, "rotated", t, secret)
}

func grantToken(ctx context.Context, env Env) error {
	f := newTokenFlags("grant").forChange().forVersion().withGrants()
	fields, err := f.parseName(env, `Gives a token the grants that --grant names, in place of all that it has.`+aboutPlaces)
	if err != nil {
		return err
	}
	t, _, err := change(ctx, env, f, fields.ChangeGrants)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "%s may now do %s; version %d\n", t.Name, grantsText(t.Grants), t.Version)
	return nil
}

func revokeToken(ctx context.Context, env Env) error {
	f := newTokenFlags("revoke").forChange().forVersion()
	fields, err := f.parseName(env, `Ends a token for ever, and each stream that was opened with it. Its name is never given to another
one. Servers stay closed when the last token is revoked.`+aboutPlaces)
	if err != nil {
		return err
	}
	t, _, err := change(ctx, env, f, fields.Revoke)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "%s is revoked\n", t.Name)
	return nil
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
