package cli

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"configapi/internal/clientcmd"
)

func versionCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: clientcmd.GroupSettings,
		Short:   "print the version",
		Long:    "Prints the version of the program, and that of Go.",
		RunE: func(*cobra.Command, []string) error {
			build, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("reading the build information: the program has none")
			}
			_, err := fmt.Fprintf(env.Stdout, "configapi %s %s\n", build.Main.Version, build.GoVersion)
			return err
		},
	}
}
