package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/clientcmd"
	"configapi/internal/fault"
	"configapi/internal/setting"
)

func listTokensCommand(env Env) *cobra.Command {
	var at place
	c := &cobra.Command{
		Use:     "list",
		Example: `configapi token list`,
		Short:   "list the tokens that are not revoked",
		Long:    `Lists the tokens that are not revoked, by name, also those that have expired.` + aboutPlaces,
		RunE:    func(c *cobra.Command, _ []string) error { return listTokens(c.Context(), env, &at) },
	}
	setting.Register(c.Flags(), at.table()...)
	return c
}

// listTokens prints a line for each token that is not revoked.
func listTokens(ctx context.Context, env Env, at *place) error {
	return at.use(ctx, env, openForReading, func(tokens tokens) error {
		list, err := tokens.Tokens(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "NAME\tVERSION\tEXPIRES\tLAST USED\tSECRETS\tGRANTS")
		for _, t := range list {
			ids, used := secretsText(t.InForce)
			fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\n", t.Name, t.Version, instantOr(t.ExpiresAt, "never"), used, ids, grantsText(t.Grants))
		}
		return out.Flush()
	})
}

func whoisTokenCommand(env Env) *cobra.Command {
	var at place
	c := &cobra.Command{
		Use: "whois ID",
		Example: `configapi token whois cfg_3k4sd9u8w1yhoos0kXXydu
configapi token whois - < leaked.txt`,
		Short: "say whose a secret is",
		Long: `Says whose a leaked secret is. ID is its public id, cfg_ and 22 letters and digits, or all of the
secret; - reads it from standard input, where no list of processes shows it. It finds revoked tokens,
too.` + aboutPlaces,
		Args: oneWord("ID"),
		RunE: func(c *cobra.Command, words []string) error { return whoisToken(c.Context(), env, &at, words[0]) },
	}
	setting.Register(c.Flags(), at.table()...)
	return c
}

// whoisToken says whose a secret is.
func whoisToken(ctx context.Context, env Env, at *place, text string) (err error) {
	if text == "-" {
		if text, err = firstLine(env.Stdin); err != nil {
			return startErrorf("reading standard input: %w", err)
		}
	}
	id, err := auth.ParsePublicID(text)
	if err != nil {
		return startErrorf("this is neither a public id, cfg_ and 22 letters and digits, nor a whole secret")
	}
	return at.use(ctx, env, openForReading, func(tokens tokens) error {
		t, err := tokens.TokenOf(ctx, id)
		if errors.Is(err, auth.ErrTokenNotFound) {
			return &clientcmd.ExitError{Code: fault.ExitNotFound, Err: fmt.Errorf("no token that you may see has, or had last, the secret cfg_%s", id)}
		}
		if err != nil {
			return err
		}
		return describe(env.Stdout, t, id, time.Now())
	})
}

// firstLine returns the first line of a text without the space around it. It reads 1 KiB at most.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 1<<10)).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// describe prints what is known of a token, and of one of its secrets.
func describe(to io.Writer, t *auth.Token, id auth.PublicID, now time.Time) error {
	state := "in force"
	switch {
	case t.Revoked:
		state = "revoked"
	case !t.IsInForce(now):
		state = "expired"
	}
	secret := "ended"
	if _, good := t.Caller(id, now); good {
		secret = "in force"
	}
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "name\t%s\nstate\t%s\nsecret\t%s\ngrants\t%s\nexpires\t%s\ncreated\t%s\n",
		t.Name, state, secret, grantsText(t.Grants), instantOr(t.ExpiresAt, "never"), createdText(t))
	return out.Flush()
}

func createdText(t *auth.Token) string {
	if t.CreatedBy == "" {
		return instantOr(t.CreatedAt, "")
	}
	return instantOr(t.CreatedAt, "") + " by " + t.CreatedBy
}

// secretsText returns the public ids of secrets, and when the last one of them was used.
func secretsText(secrets []auth.UsedSecret) (ids, used string) {
	var all []string
	var last time.Time
	for _, s := range secrets {
		all = append(all, "cfg_"+string(s.ID))
		if s.LastUsedAt.After(last) {
			last = s.LastUsedAt
		}
	}
	return cmp.Or(strings.Join(all, ","), "none"), minuteOr(last, "never")
}

func expiryText(at time.Time) string {
	if at.IsZero() {
		return "never expires"
	}
	return "expires " + instantOr(at, "")
}

func instantOr(at time.Time, otherwise string) string {
	if at.IsZero() {
		return otherwise
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// minuteOr is instantOr for a time that is known to the minute.
func minuteOr(at time.Time, otherwise string) string {
	if at.IsZero() {
		return otherwise
	}
	return at.UTC().Format("2006-01-02T15:04Z")
}
