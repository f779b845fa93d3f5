package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck checks a module that compiles on Unix alone, its tests on Linux alone.
func TestCheck(t *testing.T) {
	t.Setenv("GOWORK", "off")
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":          "module example\n",
		"a.go":            "package example\n\nimport \"syscall\"\n\nvar Kill = syscall.Kill\n",
		"a_test.go":       "package example\n\nvar _ = onlyHere\n",
		"a_linux.go":      "package example\n",
		"b_linux_test.go": "package example\n\nvar onlyHere = 1\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for system, want := range map[string][]string{
		"linux":   nil,
		"darwin":  {"onlyHere"},
		"windows": {"syscall.Kill", "onlyHere"},
	} {
		got, err := check(folder, system)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: got %q, %v", system, got, err)
		}
		for _, text := range want {
			if !strings.Contains(strings.Join(got, "\n"), text) {
				t.Errorf("%s: got %q, want one about %s", system, got, text)
			}
		}
	}
}
