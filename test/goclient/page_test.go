package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPageCompiles compiles each block of docs/client-go.md as a function of its own.
func TestPageCompiles(t *testing.T) {
	page, err := os.ReadFile("../docs/client-go.md")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp(".", "_page")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 4 {
		t.Fatalf("got %d blocks, want 4", len(blocks))
	}
	text := "package page\n\nimport (\n\"context\"\n\"testing\"\n\"time\"\n\"configapi/client\"\n\"configapi/client/clienttest\"\n)\n\n" +
		"var _ = clienttest.New\nvar _ = time.Second\nvar _ *testing.T\n"
	for i, block := range blocks {
		parameters, end := "ctx context.Context, c *client.Client", "\nreturn nil"
		switch {
		case i == 0:
			parameters, end = "ctx context.Context", "\n_ = timeout\nreturn nil"
		case i == 1:
			end = "\n_, _ = host, user\nreturn nil"
		case i == 2:
			end = ""
		case strings.Contains(block[1], "clienttest"):
			parameters, end = "t *testing.T", "\n_, _ = c, err\nreturn nil"
		}
		text += "func _(" + parameters + ") error {\n" + block[1] + end + "\n}\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "page.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "vet", "./"+folder).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
}
