package clientcmd

import (
	"math"

	"github.com/spf13/cobra"
)

// many is the number of words of a command that takes as many as there are.
const many = math.MaxInt

// words has a command take from least to most words beside its flags. The error does not repeat
// them, since one may be a secret.
func words(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		for _, arg := range args {
			if arg == "" {
				return UsageErrorf("a word is empty; see `%s -h`", c.CommandPath())
			}
		}
		if len(args) < least || len(args) > most {
			return UsageErrorf("write `configapi %s`; see `%s -h`", c.Use, c.CommandPath())
		}
		return nil
	}
}
