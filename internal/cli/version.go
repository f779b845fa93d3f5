package cli

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
)

// version prints the version that the program was built from, and with what.
func version(_ context.Context, env Env) error {
	if err := parseFlags(env, flag.NewFlagSet("version", flag.ContinueOnError), "Prints the version.", nil); err != nil {
		return err
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("reading the build information: the program has none")
	}
	fmt.Fprintf(env.Stdout, "configapi %s %s\n", build.Main.Version, build.GoVersion)
	return nil
}
