// Command release builds what a release of ConfigApi consists of, from the commit that a work tree
// has checked out:
//
//   - static programs for Linux, macOS and Windows, on amd64 and arm64,
//   - for each a SBOM (CycloneDX),
//   - packages for Debian, with a hardened unit of systemd,
//   - an OCI image for both processors, as a layout in an archive,
//   - and SHA256SUMS, with the digests of all of them.
//
// The same commit gives the same bytes with the same version of Go, in whatever folder and at
// whatever time: instants are that of the commit. What is not committed is not in it.
//
//	go run . [-source DIR] [-out DIR] [-only linux/amd64,linux/arm64]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	source := flags.String("source", "..", "`DIR` of the work tree")
	out := flags.String("out", "../dist", "`DIR` that gets the files; what it had is removed")
	only := flags.String("only", "", "`PLATFORMS` to build for, separated by commas; empty: all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	platforms, err := parsePlatforms(*only)
	if err != nil {
		return err
	}
	made, err := Release(ctx, *source, *out, platforms)
	if err != nil {
		return err
	}
	fmt.Printf("%s of commit %s\n", made.Version, made.Commit)
	for _, file := range made.Files {
		fmt.Printf("%10d  %s\n", file.Size, file.Name)
	}
	return nil
}

// parsePlatforms returns the platforms of a list, all for an empty one.
func parsePlatforms(list string) ([]Platform, error) {
	if list == "" {
		return Platforms, nil
	}
	var found []Platform
	for text := range strings.SplitSeq(list, ",") {
		system, processor, _ := strings.Cut(text, "/")
		p := Platform{system, processor}
		if !slices.Contains(Platforms, p) {
			return nil, fmt.Errorf("-only: %q is none of %v", text, Platforms)
		}
		found = append(found, p)
	}
	return found, nil
}
