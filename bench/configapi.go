package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"

	"configapi/internal/processtest"
)

// startConfigapi runs `configapi serve` until it is stopped. The store goes through the environment,
// since its URL may hold a password and command lines are public; more of that may be given.
func startConfigapi(ctx context.Context, binary, store, logPath string, environment ...string) (*processtest.Server, error) {
	command := exec.Command(binary, "serve")
	command.Env = append(append(os.Environ(), "CONFIGAPI_STORE="+store), environment...)
	return processtest.Serve(ctx, command, logPath)
}

// runtimeVariables change how any Go program runs.
var runtimeVariables = []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG"}

// settings are the environment variables that change how configapi runs; their values only where they are no secrets.
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
