package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"configapi/internal/cli"
)

// mustOpenTerminal returns a terminal, and the end of it at which somebody sits.
func mustOpenTerminal(t *testing.T) (terminal, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal, person
}

// TestRestoreAsksOnATerminal answers with a word that is none of the choices, then with one.
func TestRestoreAsksOnATerminal(t *testing.T) {
	dir := t.TempDir()
	mustFillWithTokens(t, filepath.Join(dir, "first.db"))
	file := filepath.Join(dir, "backup")
	MustRun(t, "backup", "--store", "sqlite:"+filepath.Join(dir, "first.db"), file)
	for answers, want := range map[string]string{
		"what\nrevoke\n": "revoked 1 token of the backup",
		" keep \n":       "kept 1 token of the backup in force",
		"\x04":           "give --tokens keep if they may be used", // the end of what is typed
	} {
		terminal, person := mustOpenTerminal(t)
		if _, err := person.WriteString(answers); err != nil {
			t.Fatal(err)
		}
		said := make(chan string)
		go func() {
			var text strings.Builder
			buf := make([]byte, 1<<10)
			for { // until the terminal is closed
				n, err := person.Read(buf)
				text.Write(buf[:n])
				if err != nil {
					said <- text.String()
					return
				}
			}
		}()
		var out strings.Builder
		code := cli.Run(t.Context(), cli.Env{
			Args:   []string{"restore-backup", file, "--store", "sqlite:" + filepath.Join(t.TempDir(), "x.db")},
			Getenv: func(string) string { return "" },
			Stdin:  terminal, Stdout: &out, Stderr: terminal,
		})
		terminal.Close()
		text := <-said
		asked := strings.Count(text, "Keep or revoke all of them?")
		if wantCode := map[bool]int{true: 2}[answers == "\x04"]; code != wantCode || asked != strings.Count(answers, "\n")+wantCode/2 || !strings.Contains(text, want) {
			t.Errorf("answering %q: got exit code %d and %q, want %d and %q", answers, code, text, wantCode, want)
		}
	}
}
