package main

import (
	"context"
	"debug/buildinfo"
	"os"
	"runtime"
	"strconv"
	"strings"

	"configapi/test/reports"
)

// describe says what was measured, and where: whoever reads a figure later needs it.
func describe(ctx context.Context, r *rig) (reports.Facts, error) {
	o, facts := r.options, reports.NewFacts()
	facts.Add("commit", reports.Commit(ctx, o.Tree))
	facts.Add("CPU", reports.Processor()+", "+strconv.Itoa(runtime.NumCPU())+" cores for all servers and clients together")
	facts.Add("load when it began", firstWords("/proc/loadavg", 3))
	facts.Add("system", reports.System(ctx))
	facts.Add("file system of all data", reports.Output(ctx, "stat", "-f", "-c", "%T", r.dir))
	facts.Add("Go", runtime.Version())
	facts.Add("etcd", etcdVersion())
	if r.postgres != nil {
		version, err := r.postgres.version(ctx)
		if err != nil {
			return nil, err
		}
		facts.Add("PostgreSQL", version)
	}
	addLibraries(&facts, r.binary)
	if set := settings(os.Environ()); len(set) > 0 {
		facts.Add("variables that are set", strings.Join(set, " "))
	}
	facts.Add("run with", "`bench "+strings.Join(o.Args, " ")+"`")
	return facts, nil
}

// addLibraries adds the versions of what decides about a server's speed, as its program says itself.
func addLibraries(facts *reports.Facts, binary string) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return
	}
	for _, module := range info.Deps {
		switch module.Path {
		case "modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/99designs/gqlgen":
			facts.Add(module.Path, module.Version)
		}
	}
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
