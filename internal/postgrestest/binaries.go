package postgrestest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

var errNoPostgres = errors.New(`these tests need PostgreSQL, and there is none on this machine. Do one of these:
  - install it: apt-get install postgresql, dnf install postgresql-server, brew install postgresql
  - set TEST_DATABASE_URL to one that runs: postgres://user:password@localhost:5432/postgres, of a user with the right to create databases`)

// binaryDirs are where systems put the programs of a PostgreSQL server when they are not in PATH.
var binaryDirs = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/local/pgsql/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
}

// binaries returns the directory of postgres and initdb. It installs them if there are none and it
// is allowed to.
func binaries(ctx context.Context, log io.Writer, patterns []string) (string, error) {
	if dir, ok := findBinaries(os.Getenv("PATH"), patterns); ok {
		return dir, nil
	}
	found := func() bool {
		_, ok := findBinaries(os.Getenv("PATH"), patterns)
		return ok
	}
	if err := installMissing(ctx, log, "postgresql", found, errNoPostgres); err != nil {
		return "", err
	}
	dir, _ := findBinaries(os.Getenv("PATH"), patterns)
	return dir, nil
}

// installMissing installs a Debian package if it runs as root and there is apt-get. Otherwise it
// returns missing, which says what to do by hand.
func installMissing(ctx context.Context, log io.Writer, pkg string, found func() bool, missing error) error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return missing
	}
	if err := install(ctx, log, pkg, found); err != nil {
		return fmt.Errorf("%w\n(installing it was tried: %w)", missing, err)
	}
	if !found() {
		return missing
	}
	return nil
}

// findBinaries searches path first and then patterns, where higher versions come first.
func findBinaries(path string, patterns []string) (dir string, ok bool) {
	dirs := filepath.SplitList(path)
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		if filepath.IsAbs(dir) && executable(filepath.Join(dir, "postgres")) && executable(filepath.Join(dir, "initdb")) {
			return dir, true
		}
	}
	return "", false
}

// install installs a package with apt-get, unless found reports true in the meantime. A service
// that Debian may start then is not used.
func install(ctx context.Context, log io.Writer, pkg string, found func() bool) error {
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "configapi-pg-install.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	// Tests of other packages may be installing it.
	if err := lockFile(lock, true); err != nil {
		return err
	}
	if found() {
		return nil
	}
	fmt.Fprintf(log, "tests need %s: installing it with apt-get\n", pkg)
	for _, args := range [][]string{
		{"update", "--quiet"},
		{"install", "--quiet", "--yes", "--no-install-recommends", pkg},
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", args[0], err)
		}
	}
	return nil
}

var digits = regexp.MustCompile(`\d+`)

// version returns the last number in a path: for all patterns that is PostgreSQL's major version.
func version(path string) int {
	numbers := digits.FindAllString(path, -1)
	if len(numbers) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(numbers[len(numbers)-1])
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
