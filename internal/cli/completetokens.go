package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"configapi/internal/clientcmd"
	"configapi/internal/setting"
)

// maxTokens is how many names of tokens a shell is given.
const maxTokens = 1000

// tokensOf returns a function that has shells complete the name of a token, as the place has them
// that the flags name. It opens no store: only a server is asked, and nothing is said of a failure.
func (p *place) tokensOf(env Env) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) (names []cobra.Completion, do cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(c.Context(), clientcmd.CompletionTime)
		defer cancel()
		env := env
		env.Stderr = io.Discard
		if setting.FromEnvironment(c.Flags(), env.Getenv) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		_ = p.useServer(ctx, env, func(tokens tokens) error {
			list, err := tokens.Tokens(ctx)
			for _, t := range list[:min(len(list), maxTokens)] {
				names = append(names, t.Name.String())
			}
			return err
		})
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// useServer calls do with the tokens of the place, unless no server has them.
func (p *place) useServer(ctx context.Context, env Env, do func(tokens) error) error {
	found, err := p.find(env)
	switch {
	case err != nil:
		return err
	case found.server:
		return p.atAddress(ctx, env, do)
	case found.socket != "":
		return overSocket(ctx, found.socket, do)
	}
	return overSocket(ctx, defaultSocket(found.store), do)
}
