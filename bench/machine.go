package main

import (
	"context"
	"debug/buildinfo"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// fact is a line of the report's head.
type fact struct{ name, value string }

// describe says what was measured, and where: whoever reads a figure later needs it.
func describe(ctx context.Context, r *rig) ([]fact, error) {
	o := r.options
	facts := []fact{
		{"date", time.Now().UTC().Format("2006-01-02 15:04 MST")},
		{"commit", output(ctx, "git", "-C", o.Tree, "describe", "--always", "--dirty", "--abbrev=12")},
		{"CPU", cpuModel() + ", " + strconv.Itoa(runtime.NumCPU()) + " cores for all servers and clients together"},
		{"load when it began", firstWords("/proc/loadavg", 3)},
		{"system", output(ctx, "uname", "-srm")},
		{"file system of all data", output(ctx, "stat", "-f", "-c", "%T", r.dir)},
		{"Go", runtime.Version()},
		{"etcd", etcdVersion()},
	}
	if r.postgres != nil {
		version, err := r.postgres.version(ctx)
		if err != nil {
			return nil, err
		}
		facts = append(facts, fact{"PostgreSQL", version})
	}
	facts = append(facts, libraries(r.binary)...)
	if set := settings(os.Environ()); len(set) > 0 {
		facts = append(facts, fact{"variables that are set", strings.Join(set, " ")})
	}
	return append(facts, fact{"run with", "`bench " + strings.Join(o.Args, " ") + "`"}), nil
}

// libraries are the versions of what decides about a server's speed, as its program says itself.
func libraries(binary string) []fact {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil
	}
	var facts []fact
	for _, module := range info.Deps {
		switch module.Path {
		case "modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/99designs/gqlgen":
			facts = append(facts, fact{module.Path, module.Version})
		}
	}
	return facts
}

// output is what a command prints, "unknown" when it cannot be run.
func output(ctx context.Context, name string, args ...string) string {
	text, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// cpuModel is the name of the first CPU.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// firstWords are the first n words of a file, "unknown" when there are fewer.
func firstWords(path string, n int) string {
	text, err := os.ReadFile(path)
	words := strings.Fields(string(text))
	if err != nil || len(words) < n {
		return "unknown"
	}
	return strings.Join(words[:n], " ")
}
