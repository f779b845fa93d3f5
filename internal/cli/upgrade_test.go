package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// mustBuildNewer builds a configapi that knows one schema version more: it writes version 2 of ConfigValueSet, and makes it of
// version 1 where it finds that.
func mustBuildNewer(t *testing.T) (program string) {
	t.Helper()
	codec, err := filepath.Abs("../config/codec.go")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(codec)
	if err != nil {
		t.Fatal(err)
	}
	const today = "ValueSet:      {version: 1},"
	newer := strings.Replace(string(source), today,
		`ValueSet: {version: 2, upcast: map[int]upcaster{1: func(data string) (string, error) { return data, nil }}},`, 1)
	if newer == string(source) {
		t.Fatalf("%s does not say %q any more", codec, today)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "codec.go"), filepath.Join(dir, "overlay.json")
	replace, _ := json.Marshal(map[string]map[string]string{"Replace": {codec: changed}})
	for path, text := range map[string]string{changed: newer, overlay: string(replace)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program = filepath.Join(dir, "configapi")
	// Unlike go build, go run takes a program that it has linked before from its cache. What it is to run it with is cp.
	out, err := exec.CommandContext(t.Context(), "go", "run", "-ldflags=-s -w", "-overlay", overlay, "-exec", "cp",
		"configapi/cmd/configapi", program).CombinedOutput()
	if err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return program
}

// get returns the status and the text of an answer, which must be at least at a position.
func (p process) get(t *testing.T, path, atLeast string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	if atLeast != "" {
		r.Header.Set("Config-At-Least", atLeast)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%v: %s", err, p.Log())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestUpgradeNodeByNode has a newer program write what an older one, on the same history, does not know.
func TestUpgradeNodeByNode(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	store := postgrestest.NewDatabase(t)
	newer := mustBuildNewer(t)
	old := MustServe(t, store)
	second := MustServeWith(t, newer, store)
	first := old.MustPut(t, "a", "1")
	if status, text := second.get(t, "/config/a", first); status != 200 || text != "1" {
		t.Errorf("the newer program reads what the older one wrote: got %d %s", status, text)
	}
	unknown := second.MustPut(t, "a", "2")

	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, text := old.get(t, "/readyz", "")
		if status == 503 && strings.Contains(text, `an event is of type \"ConfigValueSet\", schema version 2, which this program does not know`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the older program is ready although it does not know an event: %d %s", status, text)
		}
	}
	if status, text := old.get(t, "/config/a", ""); status != 200 || text != "1" {
		t.Errorf("the older program reads what it knows: got %d %s", status, text)
	}
	if status, text := old.get(t, "/config/a?wait=1ms", unknown); status != 504 {
		t.Errorf("the older program reads what it does not know: got %d %s", status, text)
	}
	if status, position, err := put(http.DefaultClient, old, "a", "3"); status != 503 {
		t.Errorf("the older program writes behind what it does not know: got %d at %s, %v", status, position, err)
	}

	if code, _ := old.terminate(); code != 0 {
		t.Errorf("stopping the older program: exit code %d: %s", code, old.Log())
	}
	upgraded := MustServeWith(t, newer, store)
	if status, text := upgraded.get(t, "/config/a", unknown); status != 200 || text != "2" {
		t.Errorf("after the upgrade: got %d %s", status, text)
	}
	upgraded.MustPut(t, "a", "3")
}
