package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPackage installs the package into a folder with dpkg, which runs its scripts, looks at
// what is there, and purges it.
func TestPackage(t *testing.T) {
	deb, root := fileOf(t, ".deb"), filepath.Join(t.TempDir(), "root")
	info := string(mustRun(t, "dpkg-deb", "--field", deb))
	for _, want := range []string{"Package: configapi\n", "Architecture: amd64\n", "Version: " + strings.ReplaceAll(strings.Replace(made.Version[1:], "-", "~", 1), "-", ".") + "\n", made.Commit} {
		if !strings.Contains(info, want) {
			t.Errorf("got %s, want %q in it", info, want)
		}
	}
	for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dpkg := func(args ...string) {
		t.Helper()
		asRoot(t, "dpkg", append([]string{"--root=" + root, "--force-script-chrootless", "--force-depends", "--log=/dev/null"}, args...)...)
	}
	dpkg("--install", deb)
	if users := string(mustReadFile(t, filepath.Join(root, "etc/passwd"))); !regexp.MustCompile(`(?m)^configapi:[^:]*:[1-9]\d*:[1-9]\d*:ConfigApi:/var/lib/configapi:/usr/sbin/nologin$`).MatchString(users) {
		t.Errorf("got users %s, want configapi", users)
	}
	if got := string(mustRun(t, filepath.Join(root, "usr/bin/configapi"), "version")); !strings.Contains(got, made.Version) {
		t.Errorf("got %s, want version %s", got, made.Version)
	}
	settings := filepath.Join(root, "etc/configapi/configapi.env")
	if info, err := os.Stat(settings); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v, want settings that root alone reads", info, err)
	}
	checkUnit(t, root)

	data := filepath.Join(root, "var/lib/configapi")
	asRoot(t, "mkdir", data)
	asRoot(t, "touch", filepath.Join(data, "configapi.db"))
	dpkg("--purge", "configapi")
	defer asRoot(t, "rm", "-rf", root) // the context of the test still lasts
	if _, err := os.Stat(filepath.Join(data, "configapi.db")); err != nil {
		t.Errorf("purging the package has removed the history: %v", err)
	}
	if _, err := os.Stat(settings); err == nil {
		t.Error("purging the package has kept its settings")
	}
}

// maxExposure is the highest score of systemd-analyze security, from 0 to 100, that the unit may
// have. systemd calls less than 20 safe.
const maxExposure = "20"

// checkUnit lets systemd read the unit, and prints how exposed the service is.
func checkUnit(t *testing.T, root string) {
	t.Helper()
	unit := filepath.Join(root, "usr/lib/systemd/system/configapi.service")
	// The program is not where the unit says, since it is installed into a folder.
	text := strings.ReplaceAll(string(mustReadFile(t, unit)), "/usr/bin/configapi", filepath.Join(root, "usr/bin/configapi"))
	copied := filepath.Join(t.TempDir(), "configapi.service")
	if err := os.WriteFile(copied, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "systemd-analyze", "verify", "--man=no", copied)
	out := string(mustRun(t, "systemd-analyze", "security", "--offline=true", "--threshold="+maxExposure, "--no-pager", copied))
	t.Log(regexp.MustCompile(`(?m)^→.*$`).FindString(out))
}
