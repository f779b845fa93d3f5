package cli

import (
	"github.com/spf13/cobra"

	"configapi/internal/clientcmd"
)

// shells are the shells that complete commands.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:     "completion SHELL",
		GroupID: clientcmd.GroupSettings,
		Short:   "complete words in shells",
		Long: `Prints a script for a shell, bash, zsh, fish or powershell, that completes commands,
flags, and names of contexts. Names of configs and tokens come from the server that
the command would work on, within a second: segment by segment, and none where more
than 1000 begin like that or the server does not answer.`,
		Example: `# for this session of bash, or for each one as a file of its own
source <(configapi completion bash)
configapi completion bash > ~/.local/share/bash-completion/completions/configapi

# zsh: in a folder of $fpath
configapi completion zsh > "${fpath[1]}/_configapi"`,
		ValidArgs: shells,
		Args:      oneWord("SHELL"),
		RunE: func(c *cobra.Command, words []string) error {
			root := c.Root()
			switch words[0] {
			case "bash":
				return root.GenBashCompletionV2(env.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(env.Stdout)
			case "fish":
				return root.GenFishCompletion(env.Stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(env.Stdout)
			}
			return startErrorf("the shell must be bash, zsh, fish or powershell")
		},
	}
}
