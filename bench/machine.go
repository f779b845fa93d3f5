package main

import (
	"context"
	"debug/buildinfo"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"configapi/test/reports"
)

// describe returns what was measured, and where.
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

// addLibraries adds the versions of the libraries that matter most for the server's speed, as in
// its build information.
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

// firstWords returns the first n words of a file, "unknown" if there are fewer.
func firstWords(path string, n int) string {
	text, err := os.ReadFile(path)
	words := strings.Fields(string(text))
	if err != nil || len(words) < n {
		return "unknown"
	}
	return strings.Join(words[:n], " ")
}

// runtimeVariables change how any Go program runs.
var runtimeVariables = []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG"}

// settings returns the environment variables that change how configapi runs, without values that
// may be secrets.
func settings(environment []string) []string {
	var found []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case slices.Contains(runtimeVariables, name):
			found = append(found, variable)
		case strings.HasPrefix(name, "CONFIGAPI_"):
			found = append(found, name)
		}
	}
	return found
}

// ownCPU returns the CPU time of this process.
func ownCPU() time.Duration { return usedCPU(syscall.RUSAGE_SELF) }

// usedCPU returns the CPU time of who, as getrusage names it.
func usedCPU(who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
