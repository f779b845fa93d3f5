package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"configapi/internal/clientcmd"
	"configapi/internal/setting"
)

func versionCommand(env Env) *cobra.Command {
	inJSON := false
	c := &cobra.Command{
		Use:     "version",
		GroupID: clientcmd.GroupSettings,
		Short:   "print the version",
		Long: `Prints the version of the program, and that of Go. With --json it also prints the commit that the
program was built from, when the build knew it.`,
		Example: `configapi version
configapi version --json`,
		RunE: func(*cobra.Command, []string) error {
			build, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("reading the build information: the program has none")
			}
			if inJSON {
				return json.NewEncoder(env.Stdout).Encode(versionOf(build))
			}
			_, err := fmt.Fprintf(env.Stdout, "configapi %s %s\n", build.Main.Version, build.GoVersion)
			return err
		},
	}
	setting.Register(c.Flags(), setting.Setting{Flag: "json", Value: setting.Switch(&inJSON), Meaning: "print an object of JSON"})
	return c
}

// programVersion is what `configapi version --json` prints. What is not known is left out.
type programVersion struct {
	Version  string `json:"version"` // "(devel)": built without the commit
	Go       string `json:"go"`
	System   string `json:"system"` // such as linux/amd64
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`     // of the commit, in RFC 3339
	Modified bool   `json:"modified,omitempty"` // built from files that are not those of the commit
}

func versionOf(build *debug.BuildInfo) programVersion {
	v := programVersion{Version: build.Main.Version, Go: build.GoVersion, System: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
