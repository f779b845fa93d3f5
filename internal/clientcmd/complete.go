package clientcmd

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/config"
	"configapi/internal/setting"
)

const (
	// CompletionTime is how long a shell waits for names from a server.
	CompletionTime = time.Second
	// maxCompletions is how many names a shell is given. Where there are more, it is given none:
	// it would complete a word by what only some of them begin with.
	maxCompletions = 1000
)

// completesNames is how many words of a command are names of configs or prefixes.
var completesNames = map[string]int{
	"get": 1, "list": 1, "tree": 1, "log": 1, "watch": 1, "export": 1, "set": 1, "edit": 1,
	"promote": 2, "rename": 2, "delete": many, "restore": many, "diff": 0, "revert": 0,
}

// completeNames has shells complete the names of configs, segment by segment, where a command takes
// some.
func (c *connection) completeNames(env Env, cmd *cobra.Command) {
	complete := func(cmd *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c.childrenOf(env, cmd, word)
	}
	if most, takes := completesNames[cmd.Name()]; takes {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, words []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(words) >= most {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return complete(cmd, words, word)
		}
	}
	for _, flag := range []string{"prefix", "to-prefix"} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // it has a completion already
		}
	}
}

// childrenOf returns what a word may be completed to: the configs and prefixes that are one segment
// below what the word has up to its last slash. A prefix ends with a slash. Nothing is said of a
// failure, since it would be written into the user's line.
func (c *connection) childrenOf(env Env, cmd *cobra.Command, word string) (found []cobra.Completion, do cobra.ShellCompDirective) {
	do = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := context.WithTimeout(cmd.Context(), CompletionTime)
	defer cancel()
	env.Stderr = io.Discard
	if setting.FromEnvironment(cmd.Flags(), env.Getenv) != nil {
		return nil, do
	}
	s, err := c.open(ctx, env)
	if err != nil {
		return nil, do
	}
	defer s.client.Close()
	slash := strings.LastIndexByte(word, '/') + 1
	parent := strings.TrimSuffix(word[:slash], "/")
	add := func(text string) error {
		if len(found) == maxCompletions {
			return errEnough
		}
		found = append(found, word[:slash]+text)
		return nil
	}
	err = s.client.Children(ctx, s.fullPrefix(parent), func(child rest.Child) error {
		if _, err := config.ParseName(child.Segment); err != nil || !strings.HasPrefix(child.Segment, word[slash:]) {
			return nil // what is no name could do anything to a shell
		}
		var err error
		if child.Config != nil {
			err = add(child.Segment)
		}
		if child.Below > 0 {
			do |= cobra.ShellCompDirectiveNoSpace
			err = errors.Join(err, add(child.Segment+"/"))
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return found, do
}
