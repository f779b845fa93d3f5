package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Made describes a release.
type Made struct {
	Version string // as `configapi version` prints it
	Commit  string
	Time    time.Time // of the commit
	Files   []File    // sorted by name
}

// File is a file of a release.
type File struct {
	Name string
	Size int64
}

// Release builds a release from the commit of a work tree, for some platforms, into a folder. What
// the work tree has beside its commit is not in it.
func Release(ctx context.Context, source, out string, platforms []Platform) (*Made, error) {
	out, err := filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	if err := makeEmpty(out); err != nil {
		return nil, err
	}
	clone, err := os.MkdirTemp("", "configapi-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(clone)
	if err := checkOut(ctx, source, clone); err != nil {
		return nil, err
	}
	var programs []*Program
	for _, platform := range platforms {
		p, err := build(ctx, clone, out, platform)
		if err != nil {
			return nil, fmt.Errorf("building for %s: %w", platform, err)
		}
		if err := writeBOM(p); err != nil {
			return nil, fmt.Errorf("writing the SBOM for %s: %w", platform, err)
		}
		programs = append(programs, p)
	}
	if err := pack(out, programs); err != nil {
		return nil, err
	}
	first := programs[0]
	files, err := writeSums(out)
	return &Made{first.Version, first.Commit, first.Time, files}, err
}

// checkOut clones the repository of a work tree into a folder, at the commit of the work tree. A
// clone has no changes, and go build finds the commit there, which it does not in the folder of a
// git worktree.
func checkOut(ctx context.Context, source, folder string) error {
	source, err := filepath.Abs(source)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "git", "clone", "--quiet", "--shared", source, folder)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cloning %s: %w", source, err)
	}
	return nil
}

// pack makes the packages and the image of the programs for Linux.
func pack(out string, programs []*Program) error {
	var images []*Program
	for _, p := range programs {
		if p.System != "linux" {
			continue
		}
		images = append(images, p)
		if err := writeDeb(out, p); err != nil {
			return fmt.Errorf("making the package for %s: %w", p.Platform, err)
		}
	}
	if len(images) == 0 {
		return nil
	}
	if err := writeImage(out, images); err != nil {
		return fmt.Errorf("making the image: %w", err)
	}
	return nil
}

// makeEmpty makes a folder that has nothing in it. One that has other files than those of a
// release is refused, in case it was named by mistake.
func makeEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, "configapi") && name != sumsName {
			return fmt.Errorf("%s has %s, which is of no release: choose another folder with -out", folder, name)
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.MkdirAll(folder, 0o755)
}

const sumsName = "SHA256SUMS"

// writeSums writes the digests of all files of a folder, as sha256sum does.
func writeSums(folder string) ([]File, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var sums strings.Builder
	var files []File
	for _, entry := range entries {
		digest, size, err := digestOf(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%x  %s\n", digest, entry.Name())
		files = append(files, File{entry.Name(), size})
	}
	return files, os.WriteFile(filepath.Join(folder, sumsName), []byte(sums.String()), 0o644)
}

func digestOf(name string) (digest []byte, size int64, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	return hash.Sum(nil), size, err
}
