package cli_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"configapi/internal/processtest"
)

// TestSecurityPage runs the commands of docs/security.md in order, in a folder with the tokens and
// changes that it describes, and compares what they print.
func TestSecurityPage(t *testing.T) {
	text := string(mustReadFile(t, "../../docs/security.md"))
	s := mustServeLeaks(t)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for _, example := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			s.mustPrint(t, command, strings.TrimSuffix(want, "\n"))
			ran++
		}
	}
	if all := strings.Count(text, "\n$ "); ran < 15 || ran != all {
		t.Errorf("ran %d of %d commands", ran, all)
	}
	if blocks := strings.Count(text, "\n```"); blocks != 2*strings.Count(text, "\n```console\n") {
		t.Error("a block of the page is run by no test")
	}
}

// TestHardeningNamesRealFlags: each flag of the page is one of a command.
func TestHardeningNamesRealFlags(t *testing.T) {
	var help strings.Builder
	for _, command := range [][]string{{"serve"}, {"migrate"}, {"verify"}, {"backup"}, {"restore-backup"}, {"token", "create"}, {"token", "list"}, {"can"}} {
		got := run(t, nil, append(command, "--help")...)
		help.WriteString(got.stdout + got.stderr)
	}
	help.WriteString(run(t, nil, "help", "flags").stdout)
	for _, flag := range regexp.MustCompile("--[a-z][a-z-]+").FindAllString(string(mustReadFile(t, "../../docs/security.md")), -1) {
		if !regexp.MustCompile(`(?m)^ +-?` + flag[1:] + `\b`).MatchString(help.String()) {
			t.Errorf("docs/security.md names %s, which no command has", flag)
		}
	}
}

// leaks is a server with the tokens and the changes of docs/security.md.
type leaks struct {
	process
	folder, bin string
	own         map[string]string // :: public id, secret or position of the page → that of the server
}

func mustServeLeaks(t *testing.T) *leaks {
	t.Helper()
	s := &leaks{folder: shortDir(t), bin: t.TempDir(), own: map[string]string{}}
	if err := os.Symlink(os.Args[0], filepath.Join(s.bin, "configapi")); err != nil {
		t.Fatal(err)
	}
	serve := s.command(t, "configapi", "serve", "--log", "json")
	server, err := processtest.Serve(t.Context(), serve, filepath.Join(s.folder, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	s.process = process{server}

	admin := s.mustRun(t, "configapi token create admin --grant READ,WRITE,ADMIN:")
	mustWrite(t, filepath.Join(s.folder, "admin.token"), admin)
	ci := s.mustRun(t, "configapi token create ci --grant READ,WRITE:payments --grant READ:shop --expires 90d")
	s.own["cfg_3k4sd9u8w1yhoos0kXXydu"] = publicID(ci)
	s.mustDo(t, admin, http.MethodPut, "/config/payments%2Ftimeout", "30s")
	s.mustRun(t, "configapi backup last-night.zst")
	s.mustDo(t, ci, http.MethodPut, "/config/payments%2Ftimeout", "0s")
	s.mustDo(t, ci, http.MethodGet, "/config/shop%2Ffees", "")

	ops := s.mustRun(t, "configapi token create ops --grant ADMIN,READ:shop")
	s.mustRun(t, "CONFIGAPI_TOKEN="+ops+" configapi token create stranger --grant READ:shop --url http://"+s.Address)
	web := s.mustRun(t, "configapi token create web --grant READ:payments")
	s.mustDo(t, admin, http.MethodPut, "/config/payments%2Fpassword", "hunter2")
	s.mustDo(t, web, http.MethodGet, "/config/payments%2Fpassword", "")
	return s
}

// command is one in the folder of the server, where configapi is this program.
func (s *leaks) command(t *testing.T, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	if name == "configapi" {
		cmd = exec.CommandContext(t.Context(), filepath.Join(s.bin, name), args...)
	}
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+s.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd
}

// mustRun returns what a line of a shell prints on standard output, without the last line feed.
func (s *leaks) mustRun(t *testing.T, line string) string {
	t.Helper()
	out, err := s.command(t, "sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (s *leaks) mustDo(t *testing.T, secret, method, path, value string) {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + secret}, "Content-Type": {"application/octet-stream"}}
	if got := s.MustSend(t, method, path, value, header); method == http.MethodPut && got != "OK" {
		t.Fatalf("%s %s: %s", method, path, got)
	}
}

// mustPrint runs a command of the page, and compares. The lines of a log come some time later, and
// in another order.
func (s *leaks) mustPrint(t *testing.T, command, want string) {
	t.Helper()
	line := ids.ReplaceAllStringFunc(command, func(id string) string { return s.own[id] })
	var got string
	once := func(context.Context) bool {
		switch {
		case strings.HasPrefix(line, "curl "):
			secret := string(mustReadFile(t, filepath.Join(s.folder, "admin.token")))
			asked := parseCurl(t, strings.ReplaceAll(line, `"Authorization: Bearer $(cat admin.token)"`, `'Authorization: Bearer `+secret+`'`))
			got = s.MustSend(t, asked.method, asked.path, asked.body, asked.header)
		case want == "" && strings.HasPrefix(line, "configapi can "):
			got = strings.TrimSpace(s.mustRun(t, line+" || test $? = 3")) // its token is revoked
		default:
			got = s.mustRun(t, line)
		}
		return s.matches(got, want)
	}
	if strings.HasPrefix(line, "grep ") {
		if err := s.Await(t.Context(), once); err != nil {
			t.Errorf("%s: %v\n got %s\nwant %s", line, err, got, want)
		}
	} else if !once(t.Context()) {
		t.Errorf("%s\n got %s\nwant %s", line, got, want)
	}
}

// ids are what differs on each server, and may be in a later command of the page.
var ids = regexp.MustCompile(`cfg_[0-9A-Za-z]{22}(?:_[0-9A-Za-z]{49})?|\b\d+-[0-9a-f]{8}\b`)

// matches compares line by line: each that is wanted has one that is like it, which it takes. The
// character … stands for any text.
func (s *leaks) matches(got, want string) bool {
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	for text := range strings.SplitSeq(want, "\n") {
		pattern := regexp.QuoteMeta(text)
		named := ids.FindAllString(text, -1)
		pattern = regexp.MustCompile(`\bcfg_[0-9A-Za-z]{22}\b`).ReplaceAllString(pattern, `(cfg_[0-9A-Za-z]{22})`)
		pattern = secretText.ReplaceAllString(pattern, `(cfg_[0-9A-Za-z]{22}_[0-9A-Za-z]{49})`)
		pattern = regexp.MustCompile(`\b(\d+)-[0-9a-f]{8}\b`).ReplaceAllString(pattern, `($1-[0-9a-f]{8})`)
		pattern = dateText.ReplaceAllString(pattern, `20[0-9TZ:-]+`)
		like := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".*") + "$")
		found := false
		for i, line := range lines {
			if match := like.FindStringSubmatch(line); match != nil {
				for at, id := range named {
					s.own[id] = match[at+1]
				}
				lines, found = append(lines[:i:i], lines[i+1:]...), true
				break
			}
		}
		if !found {
			return false
		}
	}
	return len(lines) == 0
}
