package main

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// made is a release for linux/amd64 that all tests share, and the same once more.
var made, again struct {
	*Made
	folder string
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		work, err := os.MkdirTemp("", "release-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(work)
		for _, r := range []struct {
			made   **Made
			folder *string
			name   string
		}{{&made.Made, &made.folder, "first"}, {&again.Made, &again.folder, "deeper/second"}} {
			*r.folder = filepath.Join(work, filepath.FromSlash(r.name))
			if *r.made, err = Release(context.Background(), "..", *r.folder, []Platform{{"linux", "amd64"}}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return m.Run()
	}())
}

// fileOf returns the path of the one file of the release whose name has this end.
func fileOf(t *testing.T, end string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(made.folder, "*"+end))
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v, %v, want one file *%s", found, err, end)
	}
	return found[0]
}

// TestSameCommitSameBytes: two builds in two folders have the same digests, and so the same bytes.
func TestSameCommitSameBytes(t *testing.T) {
	first, second := mustReadFile(t, filepath.Join(made.folder, sumsName)), mustReadFile(t, filepath.Join(again.folder, sumsName))
	if string(first) != string(second) || strings.Count(string(first), "\n") != 4 {
		t.Errorf("got\n%s\nthen\n%s\nwant the same digests of a program, its SBOM, a package and an image", first, second)
	}
	for line := range strings.Lines(string(first)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if got := fmt.Sprintf("%x", sha256.Sum256(mustReadFile(t, filepath.Join(made.folder, name)))); got != sum {
			t.Errorf("%s: got %s, want %s", name, got, sum)
		}
	}
}

// TestProgramKnowsItsVersion: what the program prints is what the release is named after.
func TestProgramKnowsItsVersion(t *testing.T) {
	var printed struct{ Version, Commit, Time, System string }
	out := mustRun(t, fileOf(t, "-linux-amd64"), "version", "--json")
	if err := json.Unmarshal(out, &printed); err != nil {
		t.Fatal(err)
	}
	head := strings.TrimSpace(string(mustRun(t, "git", "rev-parse", "HEAD")))
	if printed.Version != made.Version || printed.Commit != head || printed.System != "linux/amd64" {
		t.Errorf("got %s, want version %s of commit %s", out, made.Version, head)
	}
}

// TestProgramIsStatic: it needs no loader and no library of the machine.
func TestProgramIsStatic(t *testing.T) {
	if libraries := importsOf(t, fileOf(t, "-linux-amd64")); len(libraries) > 0 {
		t.Errorf("the program needs %v", libraries)
	}
}

// TestSBOM: it has each module that is linked, with its digest, and the version.
func TestSBOM(t *testing.T) {
	var bom struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Component struct {
				Version string
				Hashes  []struct{ Alg, Content string }
			}
		}
		Components []struct {
			Name, Version, Purl string
			Hashes              []struct{ Alg, Content string }
		}
	}
	if err := json.Unmarshal(mustReadFile(t, fileOf(t, ".cdx.json")), &bom); err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(mustReadFile(t, fileOf(t, "-linux-amd64"))))
	main := bom.Metadata.Component
	if bom.BOMFormat != "CycloneDX" || main.Version != made.Version || len(main.Hashes) != 1 || main.Hashes[0].Content != digest {
		t.Errorf("got %+v, want version %s with digest %s", main, made.Version, digest)
	}
	linked := strings.Count(string(mustRun(t, "go", "version", "-m", fileOf(t, "-linux-amd64"))), "\n\tdep\t")
	if got := len(bom.Components); got != linked+1 || linked < 10 {
		t.Errorf("got %d components, want std and the %d modules that are linked", got, linked)
	}
	for _, c := range bom.Components {
		local := strings.HasPrefix(c.Name, "configapi/")
		if c.Version == "" || !local && c.Purl == "" || !local && c.Name != "std" && (len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64) {
			t.Errorf("got %+v, want a version, a URL and a digest", c)
		}
	}
}

func TestDebianVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":                             "1.2.3",
		"v1.2.3-rc.1":                        "1.2.3~rc.1",
		"v0.0.0-20261129080000-0123456789ab": "0.0.0~20261129080000.0123456789ab",
		"v1.2.3+build-7":                     "1.2.3+build.7",
	} {
		if got := debianVersion(&Program{Version: version}); got != want {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
	}
}

// TestOtherFilesAreKept: a folder with files of something else is not emptied.
func TestOtherFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Release(t.Context(), "..", dir, Platforms); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("got %v, want an error that names thesis.tex", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "thesis.tex")); err != nil {
		t.Error(err)
	}
}

func mustReadFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// mustRun returns what a program prints on standard output.
func mustRun(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var errors strings.Builder
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, &errors)
	}
	return out
}

// asRoot is mustRun with the rights of root, by sudo for others.
func asRoot(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	if os.Getuid() != 0 {
		name, args = "sudo", append([]string{"-n", name}, args...)
	}
	return mustRun(t, name, args...)
}

func importsOf(t *testing.T, program string) []string {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return []string{"a loader"}
		}
	}
	libraries, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	return libraries
}
