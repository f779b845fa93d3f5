package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"configapi/internal/postgrestest"
	"configapi/internal/processtest"
)

// desk is where a platform engineer works: a shell with the program, a server on an SQLite store,
// and a token that may do everything.
type desk struct {
	folder string
	env    []string
	server process
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := newOpenDesk(t)
	token := strings.TrimSpace(d.must(t, `CONFIGAPI_URL= configapi token create admin --grant READ,WRITE,ADMIN:`))
	d.env = append(d.env, "CONFIGAPI_TOKEN="+token)
	return d
}

// newOpenDesk returns one whose server has no token yet.
func newOpenDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{folder: shortDir(t)}
	if err := os.Symlink(os.Args[0], filepath.Join(d.folder, "configapi")); err != nil {
		t.Fatal(err)
	}
	store := "sqlite:" + filepath.Join(d.folder, "c.db")
	d.server = MustServe(t, store)
	// Without GOCOVERDIR, a program that counts its coverage warns on standard error.
	d.env = []string{"GOCOVERDIR=" + t.TempDir(), "PATH=" + d.folder + ":" + os.Getenv("PATH"), "HOME=" + d.folder, asProgram + "=1", "CONFIGAPI_STORE=" + store, "CONFIGAPI_URL=" + d.server.URL("")}
	return d
}

// run runs a line of a shell. It returns both outputs together, and the exit code.
func (d *desk) run(t *testing.T, line string) (output string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), processtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -o pipefail; "+line)
	cmd.Env, cmd.Dir = d.env, d.folder
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(text), 0
}

// must runs a line that ends with 0, and returns what it prints on standard output.
func (d *desk) must(t *testing.T, line string) string {
	t.Helper()
	output, code := d.run(t, line+" 2>errors")
	if code != 0 {
		t.Fatalf("%s: got %d and %s%s", line, code, output, mustReadFile(t, filepath.Join(d.folder, "errors")))
	}
	return output
}

func (d *desk) mustWrite(t *testing.T, name string, lines int, format string) {
	t.Helper()
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, format+"\n", i, i)
	}
	mustWrite(t, filepath.Join(d.folder, name), text.String())
}

// TestJobs has the jobs of a platform engineer, each of which is one line of a shell.
func TestJobs(t *testing.T) {
	d := newDesk(t)
	d.mustWrite(t, "settings.env", 300, "KEY_%03d=value-%d")
	d.mustWrite(t, "twenty.yaml", 20, "staging/KEY_%03d: new-%d")
	database := postgrestest.NewDatabase(t)
	d.env = append(d.env, "POSTGRES="+database)
	for _, job := range []struct {
		name, line string
		code       int
		want       []string
		check      string // a line that must end with 0 afterwards
	}{
		{"import 300 settings", `configapi import settings.env --prefix staging -m "settings of the old host"`, 0, []string{"300"},
			`test $(configapi list staging -o name | wc -l) = 300`},
		{"change 20 together", `configapi apply -f twenty.yaml -m "release 7"`, 0, []string{"20"},
			`test $(configapi log --limit 1 -o json | grep -c '"name"') = 20`},
		{"who changed it, and why", `configapi log staging/KEY_007 --since 7d`, 0, []string{"admin", "release 7", "settings of the old host"}, ""},
		{"make production as staging is", `configapi promote staging production --yes -m "release 7"`, 0, []string{"300"},
			`configapi diff --prefix staging --to-prefix production && configapi set production/KEY_007 other -m "by hand"`},
		{"compare staging and production", `configapi diff --prefix staging --to-prefix production`, 1, []string{"KEY_007", "new-7", "other"}, ""},
		{"roll back", `configapi revert --to $(configapi log production --limit 2 -o name | tail -n 1) --prefix production -m "as it was"`, 0, []string{"production/KEY_007"},
			`test $(configapi get production/KEY_007) = new-7`},
		{"give a team its prefix", `configapi token create team --grant READ,WRITE:team > team.token`, 0, []string{"READ,WRITE:team"},
			`CONFIGAPI_TOKEN= CONFIGAPI_TOKEN_FILE=team.token configapi set team/a 1`},
		{"rotate a token", `configapi token rotate team > team.new`, 0, []string{"rotated team"},
			`CONFIGAPI_TOKEN= CONFIGAPI_TOKEN_FILE=team.new configapi get team/a`},
		{"rename a prefix", `configapi rename team squad --yes -m "a new name"`, 0, []string{"squad/a"}, `configapi log --limit 1 -o name > before && configapi set squad/b 2 -m "a second one"`},
		{"follow changes", `configapi watch squad --after $(cat before) --exec 'cat > seen; kill -INT $PPID'`, 0, []string{""}, `grep -q 'a second one' seen`},
		{"back up", `configapi backup c.backup.zst`, 0, []string{"backed up"}, `test -s c.backup.zst`},
		{"from SQLite to PostgreSQL", `configapi backup - | configapi restore-backup - --store "$POSTGRES" --tokens keep`, 0, []string{"restored"},
			`configapi verify --store "$POSTGRES"`},
		{"delete a prefix", `configapi delete -r production --yes -m "a test is over"`, 0, []string{"production/KEY_001"}, `test -z "$(configapi list production -o name)"`},
		{"restore to a moment", `configapi revert --to 1h --prefix squad -m "as it was"`, 0, []string{"squad/a"}, `! configapi get squad/a`},
	} {
		output, code := d.run(t, job.line)
		for _, want := range job.want {
			if code != job.code || !strings.Contains(output, want) {
				t.Fatalf("%s: %s: got %d and\n%s\nwant %d and %q", job.name, job.line, code, output, job.code, want)
			}
		}
		if job.check != "" {
			d.must(t, job.check)
		}
	}
	d.mustSeeThreeNodes(t, database)
}

// mustSeeThreeNodes asks three servers on one database how they are, each in a context of its own.
func (d *desk) mustSeeThreeNodes(t *testing.T, database string) {
	t.Helper()
	d.must(t, `mkdir -p .config/configapi && (umask 077; echo "$CONFIGAPI_TOKEN" > .config/configapi/token)`)
	for _, name := range []string{"one", "two", "three"} {
		d.must(t, "configapi context set "+name+" --token-file token --url "+MustServe(t, database).URL(""))
	}
	seen := d.must(t, `CONFIGAPI_URL= CONFIGAPI_TOKEN= configapi status one two three`)
	rows := strings.Split(strings.TrimSpace(seen), "\n")[1:]
	if len(rows) != 3 {
		t.Fatalf("got %s", seen)
	}
	position := strings.Fields(rows[0])[3]
	for i, name := range []string{"one", "two", "three"} {
		if want := []string{name, "yes", "healthy", position, "0,"}; !slices.Equal(strings.Fields(rows[i])[:5], want) {
			t.Errorf("got %s, want %q in it", rows[i], want)
		}
	}
}
