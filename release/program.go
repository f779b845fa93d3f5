package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Platform is what a program is built for, in the terms of Go.
type Platform struct{ System, Processor string }

func (p Platform) String() string { return p.System + "/" + p.Processor }

// Platforms are those of a release. The packages and the image are for Linux alone.
var Platforms = []Platform{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// Program is a program that was built, with what it says of itself.
type Program struct {
	Platform
	Path    string
	Version string
	Commit  string
	Time    time.Time // of the commit, in UTC
	Info    *buildinfo.BuildInfo
}

// build builds configapi for a platform. What the environment says of Go and its flags has no
// effect, apart from where Go keeps and fetches things.
func build(ctx context.Context, source, out string, platform Platform) (*Program, error) {
	path := filepath.Join(out, "configapi.partial")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", path, "./cmd/configapi")
	cmd.Dir, cmd.Stderr = source, os.Stderr
	cmd.Env = append(os.Environ(), "GOOS="+platform.System, "GOARCH="+platform.Processor, "CGO_ENABLED=0",
		"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GODEBUG=", "GOFIPS140=off")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &Program{Platform: platform, Version: info.Main.Version, Info: info}
	if err := p.readCommit(); err != nil {
		return nil, err
	}
	p.Path = filepath.Join(out, p.fileName())
	return p, os.Rename(path, p.Path)
}

// readCommit reads which commit the program was built from.
func (p *Program) readCommit() error {
	settings := map[string]string{}
	for _, s := range p.Info.Settings {
		settings[s.Key] = s.Value
	}
	p.Commit = settings["vcs.revision"]
	when, err := time.Parse(time.RFC3339, settings["vcs.time"])
	switch {
	case p.Commit == "" || err != nil || !strings.HasPrefix(p.Version, "v"):
		return errors.New("the program does not know its commit: git must be installed")
	case settings["vcs.modified"] != "false":
		return errors.New("the build has changed files of the commit")
	}
	p.Time = when.UTC()
	return nil
}

// fileName is the name of the program's file.
func (p *Program) fileName() string {
	name := fmt.Sprintf("configapi-%s-%s-%s", p.release(), p.System, p.Processor)
	if p.System == "windows" {
		name += ".exe"
	}
	return name
}

// release is the version in names of files: without v, and with ~ for the + of build metadata.
func (p *Program) release() string {
	return strings.ReplaceAll(strings.TrimPrefix(p.Version, "v"), "+", "~")
}
