//go:build unix

package clientconfig_test

import (
	"os"
	"strings"
	"testing"

	"configapi/internal/clientconfig"
)

// TestFileOfOthers: a file, a folder or a token that others may change is refused.
func TestFileOfOthers(t *testing.T) {
	const file = ".config/configapi/config.yaml"
	for _, test := range []struct {
		name string
		mode os.FileMode
		want string // "": it is fine
	}{
		{file, 0o600, ""},
		{file, 0o644, ""},
		{file, 0o660, "chmod go-w"},
		{file, 0o602, "chmod go-w"},
		{".config/configapi", 0o755, ""},
		{".config/configapi", 0o775, "chmod go-w"},
		{".config/configapi", os.ModeSticky | 0o777, ""},
		{".config/configapi/token", 0o640, ""},
		{".config/configapi/token", 0o644, "chmod 600"},
	} {
		h := newHome(t, "current: a\ncontexts: {a: {url: \"https://a.example\", token_file: token}}")
		h.mustWrite(".config/configapi/token", newToken())
		if err := os.Chmod(h.path(test.name), test.mode); err != nil {
			t.Fatal(err)
		}
		_, err := h.resolve(clientconfig.Flags{})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s with mode %v: got %v, want %q", test.name, test.mode, err, test.want)
		}
	}
}
