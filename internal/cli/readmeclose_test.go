package cli_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClosing runs the lines with which the README closes a server, in the folder in which the
// server runs. What they do with curl is done here.
func TestClosing(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "in the folder in which it runs:\n\n")
	block, _, found := strings.Cut(rest, "\n\n")
	lines := strings.Split(strings.ReplaceAll(block, "    ", ""), "\n")
	const curl = "curl localhost:4000/config"
	if want := []string{curl, curl + ` -H "Authorization: Bearer $(cat admin.token)"`}; !found || len(lines) != 3 || lines[1] != want[0] || lines[2] != want[1] {
		t.Fatalf("the README closes a server with %q", lines)
	}

	folder := t.TempDir()
	server := mustServeOn(t, nil, "serve", "--store", "sqlite:"+filepath.Join(folder, "data/configapi.db"), "--listen", "127.0.0.1:0")
	if got := statusOf(t, server, "/config"); got != http.StatusOK {
		t.Fatalf("before: got %d", got)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(lines[0], "go run ./cmd/configapi", os.Args[0]))
	command.Dir, command.Env = folder, append(os.Environ(), asProgram+"=1")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", lines[0], err, out)
	}
	secret, err := os.ReadFile(filepath.Join(folder, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, server, "/config"); got != http.StatusUnauthorized {
		t.Errorf("without the token: got %d", got)
	}
	if got := statusOf(t, server, "/config", "Authorization", "Bearer "+strings.TrimSpace(string(secret))); got != http.StatusOK {
		t.Errorf("with the token: got %d", got)
	}
	if info, err := os.Stat(filepath.Join(folder, "admin.token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the token: got %v, %v", info.Mode(), err)
	}
}
