package postgrestest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewestBinariesAreFoundAndPathComesFirst(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"lib/9/bin", "lib/15/bin", "lib/16/bin", "lib/17/bin", "path"} {
		mustWriteProgram(t, filepath.Join(root, dir, "postgres"), "")
		mustWriteProgram(t, filepath.Join(root, dir, "initdb"), "")
	}
	mustWriteProgram(t, filepath.Join(root, "client", "initdb"), "")
	mustWriteProgram(t, filepath.Join(root, "client", "postgres"), "")
	for name, mode := range map[string]os.FileMode{"lib/17/bin/initdb": 0o600, "client/postgres": 0o600} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	patterns := []string{filepath.Join(root, "none/*/bin"), filepath.Join(root, "lib/*/bin")}
	for path, want := range map[string]string{
		"":          "lib/16/bin",
		"client":    "lib/16/bin",
		"path":      "path",
		"lib/9/bin": "lib/9/bin",
	} {
		got, ok := findBinaries(filepath.Join(root, path), patterns)
		if !ok || got != filepath.Join(root, want) {
			t.Errorf("findBinaries with PATH %q: got %q, %t, want %q", path, got, ok, want)
		}
	}
	if got, ok := findBinaries("relative:", nil); ok {
		t.Errorf("findBinaries with nothing to be found: got %q", got)
	}
}

func TestMissingBinariesAreInstalledWithAptGet(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("TMPDIR", bin)
	mustWriteProgram(t, filepath.Join(bin, "apt-get"), `#!/bin/sh -e
dir=$(dirname "$0")
echo "$DEBIAN_FRONTEND $*" >> "$dir/calls"
[ "$1" = update ] || for p in postgres initdb; do echo > "$dir/$p"; chmod +x "$dir/$p"; done
`)
	for range 2 { // the second call finds nothing to do
		found := func() bool {
			_, ok := findBinaries(bin, nil)
			return ok
		}
		if err := install(t.Context(), io.Discard, "postgresql", found); err != nil {
			t.Fatal(err)
		}
	}
	calls, err := os.ReadFile(filepath.Join(bin, "calls"))
	const want = "noninteractive update --quiet\nnoninteractive install --quiet --yes --no-install-recommends postgresql\n"
	if err != nil || string(calls) != want {
		t.Errorf("calls of apt-get: got %q, %v, want %q", calls, err, want)
	}
	if dir, err := binaries(t.Context(), io.Discard, nil); err != nil || dir != bin {
		t.Errorf("binaries: got %q, %v, want %q", dir, err, bin)
	}
}

func TestWithoutPostgresTheErrorSaysWhatToDo(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv("TMPDIR", bin)
	_, err := binaries(t.Context(), io.Discard, nil)
	mustSayWhatToDo(t, err)
	mustWriteProgram(t, filepath.Join(bin, "apt-get"), "#!/bin/sh\nexit 100\n")
	_, err = binaries(t.Context(), io.Discard, nil)
	mustSayWhatToDo(t, err)
	if os.Geteuid() == 0 && !strings.Contains(err.Error(), "apt-get update: exit status 100") {
		t.Errorf("got error %q, want it to say how installing went", err)
	}
}

func TestWithoutAPoolerTheErrorSaysWhatToDo(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv("TMPDIR", bin)
	_, err := poolerProgram(t.Context(), io.Discard, nil)
	if !errors.Is(err, errNoPooler) || !strings.Contains(err.Error(), "apt-get install pgbouncer") {
		t.Errorf("got error %v, want what to install", err)
	}
	place := filepath.Join(bin, "elsewhere")
	mustWriteProgram(t, place, "")
	if got, err := poolerProgram(t.Context(), io.Discard, []string{filepath.Join(bin, "nowhere"), place}); err != nil || got != place {
		t.Errorf("got %q, %v, want %q", got, err, place)
	}
}

func mustSayWhatToDo(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, errNoPostgres) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Fatalf("got error %v, want what to install", err)
	}
}

func mustWriteProgram(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
