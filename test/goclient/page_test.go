package goclient_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pageTest runs the blocks of the page, each as a function, on a server of clienttest: that of the
// first block has the prefix of the page, and the options of the server for the rest.
const pageTest = `package page

import (
	"context"
	"strconv"
	"testing"
	"time"

	"configapi/client"
	"configapi/client/clienttest"
)

var server *clienttest.Server // that open uses

func open(ctx context.Context, of client.Options) (*client.Client, error) {
	o := server.Options()
	o.Prefix = of.Prefix
	return client.Open(ctx, o)
}

func first(ctx context.Context) error {
BLOCK0
	if got := timeout.Get(); got != 45*time.Second {
		panic("the timeout is " + got.String())
	}
	return nil
}

// second changes another config again and again, since the block waits for a change that comes
// after its snapshot.
func second(c *client.Client, change func()) (string, string) {
	tick := time.NewTicker(10 * time.Millisecond)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				change()
			}
		}
	}()
	defer func() {
		close(over)
		<-done
	}()
BLOCK1
	return host.Value, user.Value
}

func third(ctx context.Context, c *client.Client) error {
BLOCK2
}

func fourth(t *testing.T) {
BLOCK3
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if config, _ := c.Snapshot().Lookup("payments/timeout"); config.Value != "30s" {
		t.Errorf("the fourth block: got %q, want 30s", config.Value)
	}
}

func Test(t *testing.T) {
	server = clienttest.New(t)
	server.Set("payments/timeout", "45s")
	server.Apply(client.Change{Set: &client.Set{Name: "payments/db/host", Value: "db1"}},
		client.Change{Set: &client.Set{Name: "payments/db/user", Value: "app"}})
	if err := first(t.Context()); err != nil {
		t.Errorf("the first block: %v", err)
	}
	server.Set("payments/timeout", "1s")
	c, err := open(t.Context(), client.Options{Prefix: "payments"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	changes := 0
	change := func() {
		changes++
		server.Set("payments/other", strconv.Itoa(changes))
	}
	if host, user := second(c, change); host != "db1" || user != "app" {
		t.Errorf("the second block: got %q and %q", host, user)
	}
	if err := third(t.Context(), c); err != nil {
		t.Errorf("the third block: %v", err)
	}
	if config, _ := c.Snapshot().Lookup("payments/timeout"); config.Value != "45s" {
		t.Errorf("after the third block: got %q, want 45s", config.Value)
	}
	fourth(t)
}
`

// TestPage runs each block of docs/client-go.md.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/client-go.md")
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
	const opens = "client.Open(ctx, "
	if !strings.Contains(blocks[0][1], opens) {
		t.Fatalf("the first block does not have %s", opens)
	}
	text := strings.NewReplacer("BLOCK0", strings.Replace(blocks[0][1], opens, "open(ctx, ", 1),
		"BLOCK1", blocks[1][1], "BLOCK2", blocks[2][1], "BLOCK3", blocks[3][1]).Replace(pageTest)
	if err := os.WriteFile(filepath.Join(folder, "page_test.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=60s", "./"+folder).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
}
