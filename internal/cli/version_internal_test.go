package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionOfABuild(t *testing.T) {
	build := &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-29T08:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	want := programVersion{
		Version: "v1.2.3", Go: "go1.26.0", System: runtime.GOOS + "/" + runtime.GOARCH,
		Commit: "0123456789abcdef", Time: "2026-11-29T08:00:00Z", Modified: true,
	}
	if got := versionOf(build); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
