package goclient_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"configapi/client"
	"configapi/client/rest"
	"configapi/internal/processtest"
	"configapi/internal/slowtest"
)

// names are set together, each time to the number of the set, which is then their version, too.
var names = []string{"p/a", "p/b/c", "p/z"}

// setOfNumber returns the change set of a number. It also has a name that the clients do not read.
func setOfNumber(n int64) client.ChangeSet {
	var set client.ChangeSet
	for _, name := range append([]string{"q"}, names...) {
		set.Changes = append(set.Changes, client.Change{Set: &client.Set{Name: name, Value: strconv.FormatInt(n, 10)}})
	}
	return set
}

// numberOf returns the number of the set that a snapshot is of. The error says that it is not a
// whole one, or that one was left out or applied twice.
func numberOf(s *client.Snapshot) (int64, error) {
	first, found := s.Lookup(names[0])
	n := 0
	for name, c := range s.All() {
		n++
		if c.Value != first.Value || c.Value != strconv.FormatInt(c.Version, 10) {
			return 0, fmt.Errorf("at %s, %s is %q in version %d, and %s is %q", s.Position(), name, c.Value, c.Version, names[0], first.Value)
		}
	}
	if found && n != len(names) || !found && n != 0 {
		return 0, fmt.Errorf("at %s, there are %d configs", s.Position(), n)
	}
	return first.Version, nil
}

// watchSets checks each snapshot of a client until it is of a set.
func watchSets(ctx context.Context, c *client.Client, last int64) error {
	for known := int64(0); known < last; {
		s := c.Snapshot()
		n, err := numberOf(s)
		if err != nil {
			return err
		}
		if n < known {
			return fmt.Errorf("after set %d, the configs are of set %d", known, n)
		}
		if known = n; known == last {
			break
		}
		select {
		case <-s.Changed():
		case <-ctx.Done():
			return fmt.Errorf("after set %d: %w", known, ctx.Err())
		}
	}
	return nil
}

// target is where a server is now. Its connections may break.
type target struct {
	address atomic.Pointer[string]
	cuts    atomic.Int64
}

// dial connects to the server. When within is positive, the connection breaks after at most so many
// bytes.
func (a *target) dial(within int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", *a.address.Load())
		if err != nil || within == 0 {
			return conn, err
		}
		return &breaking{Conn: conn, cuts: &a.cuts, left: 200 + rand.IntN(within)}, nil
	}
}

// breaking is a connection that breaks after some bytes were read.
type breaking struct {
	net.Conn
	cuts *atomic.Int64
	left int
}

func (b *breaking) Read(into []byte) (int, error) {
	if b.left <= 0 {
		b.cuts.Add(1)
		_ = b.Close()
		return 0, errors.New("the connection was cut")
	}
	n, err := b.Conn.Read(into[:min(len(into), b.left)])
	b.left -= n
	return n, err
}

// TestConfigsOverCuts reads configs over connections that break in the middle of answers, in lists
// and in streams, while change sets are made.
func TestConfigsOverCuts(t *testing.T) {
	cuts := int64(slowtest.Rounds(20, 100))
	a := newAPI(t, asUsual)
	var at target
	address := strings.TrimPrefix(a.URL, "http://")
	at.address.Store(&address)
	writer := mustOpen(t, client.Options{URL: a.URL, Prefix: "none"})
	file := filepath.Join(t.TempDir(), "configs")
	reported := 0
	open := func() *client.Client {
		return mustOpen(t, client.Options{URL: a.URL, Dial: at.dial(6000), Prefix: "p", File: file, OnError: func(error) { reported++ }})
	}
	c := open()
	last := int64(0)
	for at.cuts.Load() < cuts {
		last++
		if _, err := writer.Apply(t.Context(), setOfNumber(last)); err != nil {
			t.Fatal(err)
		}
		if n, err := numberOf(c.Snapshot()); err != nil || n > last {
			t.Fatal(n, err)
		}
		if last%200 == 0 { // the next client begins with the file or with a list
			if err := watchSets(t.Context(), c, last); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			c = open()
		}
		if last%10 == 0 {
			mustWait(t, c, writer.Position())
		}
	}
	if err := watchSets(t.Context(), c, last); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d sets over %d cuts", last, at.cuts.Load())
}

// program is configapi, which its first use builds.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "configapi")
	if err := processtest.Build(t.Context(), "../..", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustServeProcess starts a server on a history in a folder.
func mustServeProcess(t *testing.T, program, folder string) *processtest.Server {
	t.Helper()
	server, err := processtest.Serve(t.Context(), exec.Command(program, "serve", "--store", "sqlite:"+filepath.Join(folder, "store.db")), filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// TestConfigsOverKills kills the server while change sets are made, and kills the client, too,
// which is another process with a file, while the server is there and while it is not.
func TestConfigsOverKills(t *testing.T) {
	kills := slowtest.Rounds(3, 10)
	path, folder := program(t), t.TempDir()
	var at target
	server := mustServeProcess(t, path, folder)
	at.address.Store(&server.Address)
	c := mustOpen(t, client.Options{URL: "http://config.localhost", Dial: at.dial(0), Prefix: "p", OnError: func(error) {}})
	file := filepath.Join(folder, "configs")
	last := int64(0)
	for round := range kills {
		written := make(chan error, 1)
		killed := make(chan struct{})
		go func() {
			for {
				select {
				case <-killed:
					written <- nil
					return
				default:
				}
				// A set whose outcome is unknown is sent again with its key, until it is known.
				_, err := c.Apply(t.Context(), setOfNumber(last+1))
				var failed *client.Error
				switch {
				case err == nil:
					last++
				case !errors.As(err, &failed) || failed.Outcome != rest.NotSent: // else nothing listens now
					written <- err
					return
				}
			}
		}()
		child := startChild(t, server.Address, file)
		child.read(t, 1+rand.IntN(4))
		if round%2 == 0 {
			child.kill()
		}
		server.Kill()
		if round%2 == 1 {
			child.kill()
		}
		if _, err := os.Stat(file); err == nil {
			alone := startChild(t, server.Address, file) // starts from the file
			alone.read(t, 1)
			alone.kill()
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		server = mustServeProcess(t, path, folder)
		at.address.Store(&server.Address)
		close(killed)
		if err := <-written; err != nil {
			t.Fatalf("round %d, set %d: %v", round, last+1, err)
		}
		if err := watchSets(t.Context(), c, last); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	t.Logf("%d sets over %d kills of the server and %d of clients", last, kills, kills)
}

// child is a process that opens a client, and prints the number of the set of each snapshot.
type child struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

const childEnv = "GOCLIENT_CHILD"

func startChild(t *testing.T, address, file string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+address+" "+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, bufio.NewScanner(out)}
	t.Cleanup(c.kill)
	return c
}

// read reads some numbers, none of which is less than the one before.
func (c *child) read(t *testing.T, lines int) {
	t.Helper()
	last := int64(0)
	for range lines {
		if !c.out.Scan() {
			t.Fatalf("the client has ended after the set %d: %v", last, c.out.Err())
		}
		n, err := strconv.ParseInt(c.out.Text(), 10, 64)
		if err != nil || n < last {
			t.Fatalf("after the set %d, the client says %q", last, c.out.Text())
		}
		last = n
	}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func TestMain(m *testing.M) {
	if given := os.Getenv(childEnv); given != "" {
		address, file, _ := strings.Cut(given, " ")
		fmt.Println(runChild(address, file))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func runChild(address, file string) error {
	var at target
	at.address.Store(&address)
	c, err := client.Open(context.Background(), client.Options{URL: "http://config.localhost", Dial: at.dial(0), Prefix: "p", File: file, OnError: func(error) {}})
	if err != nil {
		return err
	}
	for {
		s := c.Snapshot()
		n, err := numberOf(s)
		if err != nil {
			return err
		}
		fmt.Println(n)
		<-s.Changed()
	}
}

// TestLargeConfigs reads values of 1 MiB, and a page with a thousand values in use.
func TestLargeConfigs(t *testing.T) {
	a := newAPI(t, asUsual)
	writer := mustOpen(t, client.Options{URL: a.URL, Prefix: "none"})
	c := mustOpen(t, client.Options{URL: a.URL, File: filepath.Join(t.TempDir(), "configs")})
	large := strings.Repeat("0123456789abcde\n", 1<<16)
	for i := range 4 {
		mustWait(t, c, mustApply(t, writer, fmt.Sprintf("large/%d", i), large))
	}
	var set client.ChangeSet
	var values []*client.Value[int]
	called := make(chan struct{}, 1000)
	for i := range 1000 {
		name := fmt.Sprintf("page/component-%d", i)
		set.Changes = append(set.Changes, client.Change{Set: &client.Set{Name: name, Value: strconv.Itoa(i)}})
		values = append(values, client.Int(c, name, -1))
		values[i].Watch(func(old, now int) {
			if old == -1 && now == i {
				called <- struct{}{}
			}
		})
	}
	result, err := writer.Apply(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	mustWait(t, c, result.Position)
	for i, v := range values {
		if v.Get() != i {
			t.Fatalf("component %d has %d", i, v.Get())
		}
	}
	for range 1000 {
		<-called
	}
	for i := range 4 {
		if found, _ := c.Snapshot().Lookup(fmt.Sprintf("large/%d", i)); found.Value != large {
			t.Errorf("value %d has %d bytes", i, len(found.Value))
		}
	}
}
