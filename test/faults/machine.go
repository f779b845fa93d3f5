package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// fact is a line of the report's head.
type fact struct{ Name, Value string }

// describe says what was tried, and where.
func describe(ctx context.Context, s *suite) ([]fact, error) {
	version, err := s.cluster.Database.Version(ctx)
	if err != nil {
		return nil, err
	}
	return []fact{
		{"date", time.Now().UTC().Format("2006-01-02 15:04 MST")},
		{"commit", commit(ctx, s.options.Tree)},
		{"seed", strconv.FormatUint(s.options.Seed, 10)},
		{"machine", fmt.Sprintf("%s, %d cores for everything, %s", processor(), runtime.NumCPU(), output(ctx, "uname", "-srm"))},
		{"versions", runtime.Version() + ", PostgreSQL " + version},
		{"servers also have", s.features.String()},
		{"rounds", fmt.Sprintf("%d of each fault, each with %d strikes", s.options.Rounds, s.options.Strikes)},
	}, nil
}

func commit(ctx context.Context, tree string) string {
	return output(ctx, "git", "-C", tree, "describe", "--always", "--dirty", "--abbrev=12")
}

// output is what a command prints, "unknown" when it cannot be run.
func output(ctx context.Context, name string, args ...string) string {
	text, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// processor is the name of the first CPU.
func processor() string {
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
