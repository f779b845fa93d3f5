package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"configapi/internal/auth"
	"configapi/internal/clientcmd"
	"configapi/internal/config"
	"configapi/internal/fault"
	"configapi/internal/setting"
)

func canCommand(env Env) *cobra.Command {
	var at place
	var as, file string
	c := &cobra.Command{
		Use:     "can [ACTION NAME]",
		GroupID: clientcmd.GroupRights,
		Short:   "ask who may do what",
		Long: `Says whether a token may READ, WRITE or ADMIN a config of some name, and prints the grant that decides.
It ends with 0 when it may, else with 1; with 3 when there is no such token. With -f it checks each line of a file, and ends with 1 when
one is not as the line says:

    # comments and empty lines are left out
    allow READ payments/timeout as ci
    deny WRITE payments/timeout as ci

A token that has expired may do nothing; one that is unknown or revoked fails its line.` + aboutPlaces,
		Example: `configapi can READ payments/timeout --as ci
configapi can -f expected.txt`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if file == "" {
				return can(c.Context(), env, &at, words, as)
			}
			if len(words) > 0 || as != "" {
				return startErrorf("give either -f, or ACTION NAME --as TOKEN; see `configapi can -h`")
			}
			return canAll(c.Context(), env, &at, file)
		},
	}
	setting.Register(c.Flags(), setting.Setting{
		Flag: "as", Value: setting.String(&as, ""), Meaning: "`NAME` of the token",
	}, setting.Setting{
		Flag: "file", Short: "f", Value: setting.String(&file, ""), Meaning: "`FILE` of questions with the answers that they must have; - means standard input",
	})
	setting.Register(c.Flags(), at.table()...)
	if err := c.RegisterFlagCompletionFunc("as", at.tokensOf(env)); err != nil {
		panic(err) // the flag is missing
	}
	return c
}

// can says whether a token may do something to a config.
func can(ctx context.Context, env Env, at *place, words []string, as string) error {
	if len(words) != 2 || as == "" {
		return startErrorf("write ACTION NAME --as TOKEN, such as READ payments/timeout --as ci; see `configapi can -h`")
	}
	q, err := parseQuestion(words[0], words[1], as)
	if err != nil {
		return &startError{err}
	}
	return at.use(ctx, env, openForReading, func(tokens tokens) error {
		grant, may, err := q.ask(ctx, tokens)
		switch {
		case err != nil:
			return err
		case !may:
			return clientcmd.Differs("no: no grant of %s has %s on %s", q.token, q.action, q.name)
		}
		_, err = fmt.Fprintln(env.Stdout, grant)
		return err
	})
}

// question is whether a token may do something to a config.
type question struct {
	action auth.Action
	name   config.Name
	token  auth.TokenName
}

func parseQuestion(action, name, token string) (q question, err error) {
	if q.action, err = auth.ParseAction(action); err != nil {
		return q, errors.New("the action must be READ, WRITE or ADMIN")
	}
	if q.name, err = config.ParseName(name); err != nil {
		return q, fmt.Errorf("the config's %w", err)
	}
	if q.token, err = auth.ParseTokenName(token); err != nil {
		return q, fmt.Errorf("the token's %w", err)
	}
	return q, nil
}

// ask returns the first grant of the token that allows the action, and whether there is one.
func (q question) ask(ctx context.Context, tokens tokens) (grant auth.Grant, may bool, err error) {
	t, err := tokens.Token(ctx, q.token)
	if errors.Is(err, auth.ErrTokenNotFound) {
		return grant, false, &clientcmd.ExitError{Code: fault.ExitNotFound, Err: fmt.Errorf("there is no token %s, or it is revoked", q.token)}
	}
	if err != nil || !t.IsInForce(time.Now()) {
		return grant, false, err
	}
	for _, g := range t.Grants.List() {
		if slices.Contains(g.Actions, q.action) && config.Below(g.Prefix).Has(q.name) {
			return g, true, nil
		}
	}
	return grant, false, nil
}

// expectation is a line of a file for `configapi can -f`.
type expectation struct {
	question
	line  int
	allow bool
}

// canAll checks the lines of a file, and prints those that do not hold.
func canAll(ctx context.Context, env Env, at *place, name string) error {
	expected, err := readExpectations(env, name)
	if err != nil {
		return &startError{err}
	}
	failed := 0
	err = at.use(ctx, env, openForReading, func(tokens tokens) error {
		for _, e := range expected {
			if problem := e.check(ctx, tokens); problem != "" {
				failed++
				fmt.Fprintf(env.Stdout, "%s:%d: %s\n", name, e.line, problem)
			}
		}
		return nil
	})
	if err == nil && failed > 0 {
		err = clientcmd.Differs("%d of %d lines are not as they say", failed, len(expected))
	}
	if err == nil {
		fmt.Fprintf(env.Stderr, "ok: %d lines\n", len(expected))
	}
	return err
}

// check returns what contradicts the line, "" if it holds.
func (e expectation) check(ctx context.Context, tokens tokens) string {
	grant, may, err := e.ask(ctx, tokens)
	switch {
	case err != nil:
		return err.Error()
	case may && !e.allow:
		return fmt.Sprintf("%s may %s %s: %s", e.token, e.action, e.name, grant)
	case !may && e.allow:
		return fmt.Sprintf("%s may not %s %s", e.token, e.action, e.name)
	}
	return ""
}

func readExpectations(env Env, name string) ([]expectation, error) {
	in := env.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening the questions: %w", err)
		}
		defer file.Close()
		in = file
	}
	return parseExpectations(in, name)
}

func parseExpectations(in io.Reader, name string) (expected []expectation, err error) {
	lines := bufio.NewScanner(in)
	n := 1
	for ; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 5 || words[0] != "allow" && words[0] != "deny" || words[3] != "as" {
			return nil, fmt.Errorf("%s:%d: write `allow ACTION NAME as TOKEN`, or the same with deny", name, n)
		}
		q, err := parseQuestion(words[1], words[2], words[4])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		expected = append(expected, expectation{q, n, words[0] == "allow"})
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: the line has more than %d bytes", name, n, bufio.MaxScanTokenSize)
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(expected) == 0 {
		return nil, fmt.Errorf("%s has no line to check", name)
	}
	return expected, nil
}
