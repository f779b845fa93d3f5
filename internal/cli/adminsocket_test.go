//go:build unix

package cli_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"configapi/internal/postgrestest"
	"configapi/internal/processtest"
	"configapi/internal/websockettest"
)

// TestAdminSocketClosesAServer makes the first token of a running server, which closes it for ever,
// and ends the streams of anonymous callers.
func TestAdminSocketClosesAServer(t *testing.T) {
	file := filepath.Join(shortDir(t), "x.db")
	server := MustServe(t, "sqlite:"+file)
	server.MustPut(t, "a", "1")
	watch := server.MustSubscribe(t, watchAll)
	watch.MustReceive(t, "next", nil)
	secret := MustIssue(t, "token", "create", "admin", "--grant", "READ,WRITE,ADMIN:", "--admin-socket", file+".sock")
	if message, err := watch.Receive(); websockettest.CloseCode(err) != 4403 {
		t.Errorf("an anonymous stream got %s, %v, want that it is closed with 4403", message.Text, err)
	}
	if got := statusOf(t, server, "/config/a"); got != http.StatusUnauthorized {
		t.Errorf("without a token: got %d", got)
	}
	if got := statusOf(t, server, "/config/a", "Authorization", "Bearer "+secret); got != http.StatusOK {
		t.Errorf("with the token: got %d", got)
	}
	mustPrint(t, 0, "admin is revoked\n", "token", "revoke", "admin", "--admin-socket", file+".sock")
	if got := statusOf(t, server, "/config/a"); got != http.StatusUnauthorized {
		t.Errorf("after the last token was revoked: got %d, want that it stays closed", got)
	}
	if code, _ := server.terminate(); code != 0 {
		t.Errorf("got exit code %d: %s", code, server.Log())
	}
	if _, err := os.Lstat(file + ".sock"); !os.IsNotExist(err) {
		t.Errorf("the socket is there after the end of the server: %v", err)
	}
	if strings.Contains(server.Log(), secret) || !strings.Contains(server.Log(), `remote="uid=`) {
		t.Errorf("the log has the secret, or not the user of the socket: %s", server.Log())
	}
}

// TestAdminSocketBesideASecondServer starts a server with the socket of another one: it serves
// without, and leaves the socket to the first one, also at its end.
func TestAdminSocketBesideASecondServer(t *testing.T) {
	socket := filepath.Join(shortDir(t), "x.sock")
	first := MustServe(t, "memory", "CONFIGAPI_ADMIN_SOCKET="+socket)
	second := MustServe(t, "memory", "CONFIGAPI_ADMIN_SOCKET="+socket)
	second.awaitLog(t, "another server listens on it")
	second.MustPut(t, "a", "1")
	second.terminate()
	MustIssue(t, "token", "create", "ci", "--grant", "READ:", "--admin-socket", socket)
	if got := statusOf(t, first, "/config"); got != http.StatusUnauthorized {
		t.Errorf("the token was not made on the first server: got %d", got)
	}
}

// TestStaleAdminSocket kills a server, whose socket stays. Commands then use the store itself, and
// the next server replaces the socket.
func TestStaleAdminSocket(t *testing.T) {
	file := filepath.Join(shortDir(t), "x.db")
	store := map[string]string{"CONFIGAPI_STORE": "sqlite:" + file}
	MustServe(t, "sqlite:"+file).Kill()
	if _, err := os.Lstat(file + ".sock"); err != nil {
		t.Fatal(err)
	}
	if got := run(t, store, "token", "create", "one", "--grant", "READ:"); got.code != 0 {
		t.Errorf("got %+v, want that the store itself is used", got)
	}
	if got := run(t, nil, "token", "list", "--admin-socket", file+".sock"); got.code != 2 || !strings.Contains(got.stderr, "no server listens on it") {
		t.Errorf("got %+v", got)
	}
	server := MustServe(t, "sqlite:"+file)
	if got := run(t, store, "token", "create", "two", "--grant", "READ:"); got.code != 0 {
		t.Errorf("got %+v, want that the new socket is used: %s", got, server.Log())
	}
}

// TestNoAdminSocket has servers that make none: the path is too long, it is off, or the store has
// no path.
func TestNoAdminSocket(t *testing.T) {
	dir := shortDir(t)
	long := "sqlite:" + filepath.Join(dir, strings.Repeat("x", 108-len(dir)), "x.db")
	server := MustServe(t, long)
	server.awaitLog(t, "the path of a socket may have")
	server.MustPut(t, "a", "1")
	if got := run(t, nil, "token", "create", "ci", "--grant", "READ:", "--store", long); got.code != 2 || !strings.Contains(got.stderr, "give --admin-socket with the socket of the server") {
		t.Errorf("got %+v, want what to do", got)
	}
	off := filepath.Join(dir, "off.db")
	for store, env := range map[string]string{"sqlite:" + off: "CONFIGAPI_ADMIN_SOCKET=off", "memory": "X=x", postgrestest.NewDatabase(t): "X=x"} {
		if server := MustServe(t, store, env); strings.Contains(server.Log(), "admin socket") {
			t.Errorf("%s: got %s", store, server.Log())
		}
	}
	if _, err := os.Lstat(off + ".sock"); !os.IsNotExist(err) {
		t.Errorf("there is a socket: %v", err)
	}
}

// TestAdminSocketOfAnotherUser has a process of another user come to the socket. Only root can
// start one; the mode of the socket keeps other users out all the same.
func TestAdminSocketOfAnotherUser(t *testing.T) {
	dir := shortDir(t)
	socket := filepath.Join(dir, "x.sock")
	server := MustServe(t, "memory", "CONFIGAPI_ADMIN_SOCKET="+socket)
	if info, err := os.Lstat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got the mode %v, %v", info.Mode(), err)
	}
	if os.Geteuid() != 0 {
		return
	}
	program := filepath.Join(dir, "program")
	mustCopy(t, os.Args[0], program)
	const nobody = 65534
	list := func() string {
		cmd := exec.CommandContext(t.Context(), program, "token", "list", "--admin-socket", socket)
		cmd.Env = []string{asProgram + "=1"}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("another user was served: %s", out)
		}
		return string(out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := list(); !strings.Contains(got, "permission denied") {
		t.Errorf("got %s, want that the mode keeps it out", got)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := list(); !strings.Contains(got, "the admin socket serves only the user that the server runs as, and root") {
		t.Errorf("got %s, want that the server refuses it", got)
	}
	server.awaitLog(t, "uid=65534")
	if err := os.Chown(socket, nobody, -1); err != nil {
		t.Fatal(err)
	}
	got := run(t, nil, "token", "list", "--admin-socket", socket)
	if got.code != 2 || !strings.Contains(got.stderr, "belongs to the user 65534, and this is user 0: run the command as that user") {
		t.Errorf("the socket of another user: got %+v", got)
	}
}

func mustCopy(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestProfilesOnTheAdminSocketAlone reads a profile of a running server.
func TestProfilesOnTheAdminSocketAlone(t *testing.T) {
	file := filepath.Join(shortDir(t), "x.db")
	server := MustServe(t, "sqlite:"+file)
	if got := statusOf(t, server, "/debug/pprof/heap"); got != http.StatusNotFound {
		t.Errorf("at the address: got %d", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), processtest.Patience)
	defer cancel()
	client := overSocket(file + ".sock")
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://admin/debug/pprof/heap?debug=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || !strings.HasPrefix(string(body), "heap profile") {
		t.Errorf("got %s, %v", body, err)
	}
}
