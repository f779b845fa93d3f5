package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	idText     = regexp.MustCompile(`cfg_[0-9A-Za-z]{22}`)
	secretText = regexp.MustCompile(`cfg_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}`)
	dateText   = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// TestTokensPage runs the commands of docs/tokens.md in order, on a new store, and compares what
// they print. It does so without a server, and over the admin socket of one.
func TestTokensPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, beside := range []bool{false, true} {
		store := "sqlite:" + filepath.Join(shortDir(t), "x.db")
		if beside {
			MustServe(t, store)
		}
		t.Chdir(t.TempDir()) // where files are written
		runTokensPage(t, map[string]string{"CONFIGAPI_STORE": store}, string(page))
	}
}

// runTokensPage runs the commands of the page. Secrets, public ids and times differ, so only their
// form is compared. A question that prints nothing is answered with no.
func runTokensPage(t *testing.T, env map[string]string, page string) {
	t.Helper()
	form := func(text string) string {
		text = secretText.ReplaceAllString(text, "SECRET")
		return dateText.ReplaceAllString(idText.ReplaceAllString(text, "ID"), "TIME")
	}
	own := map[string]string{} // :: public id of the page → that of the store
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(page, -1) {
		for _, example := range strings.Split(block[1], "$ configapi ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			args := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1)
			for i, arg := range args {
				args[i] = idText.ReplaceAllStringFunc(strings.Trim(arg, "'"), func(id string) string { return own[id] })
			}
			code := 0
			if args[0] == "can" && want == "" {
				code = 1
			}
			got := run(t, env, args...)
			if got.code != code || form(got.stdout) != form(want) {
				t.Errorf("%s\n got %+v\nwant %d %s", command, got, code, want)
			}
			if secret := secretText.FindString(want); secret != "" {
				own[publicID(secret)] = idText.FindString(got.stdout)
			}
			ran++
		}
	}
	if ran < 5 {
		t.Errorf("ran %d commands: the page has lost its examples", ran)
	}
}
