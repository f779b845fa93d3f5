// Command configapi-example-client is a small program on the Go client of ConfigApi. Without
// arguments it prints its usage.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"configapi/client"
)

var errUsage = errors.New(`list [PREFIX]      prints all configs, or those below PREFIX
set NAME VALUE     gives a config a value
delete NAME        deletes a config
watch [PREFIX]     prints all configs, then what changes, until it is interrupted

CONFIGAPI_URL is where the server is, http://127.0.0.1:4000 when unset
CONFIGAPI_TOKEN_FILE names a file with the token, which may be replaced at any time; no token when unset
CONFIGAPI_FILE names a file that keeps the configs, in clear, for a start without the server; no file when unset`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	options := client.Options{
		URL:       cmp.Or(os.Getenv("CONFIGAPI_URL"), "http://127.0.0.1:4000"),
		TokenFile: os.Getenv("CONFIGAPI_TOKEN_FILE"),
		File:      os.Getenv("CONFIGAPI_FILE"),
	}
	if err := run(ctx, options, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o client.Options, args []string, out io.Writer) error {
	change := func(change client.Change) func(*client.Client) error {
		return func(c *client.Client) error { return apply(ctx, c, change, out) }
	}
	name, value := argument(args, 1), argument(args, 2)
	do := map[string]func(*client.Client) error{
		"list 0":   func(c *client.Client) error { return list(c, out) },
		"list 1":   func(c *client.Client) error { return list(c, out) },
		"set 2":    change(client.Change{Set: &client.Set{Name: name, Value: value}}),
		"delete 1": change(client.Change{Delete: &client.Delete{Name: name}}),
		"watch 0":  func(c *client.Client) error { return watch(ctx, c, out) },
		"watch 1":  func(c *client.Client) error { return watch(ctx, c, out) },
	}[fmt.Sprint(argument(args, 0), " ", len(args)-1)]
	if do == nil {
		return errUsage
	}
	o.Prefix = name
	c, err := client.Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}

func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// list prints the configs, all of one position.
func list(c *client.Client, out io.Writer) error {
	for name, config := range c.Snapshot().All() {
		fmt.Fprintf(out, "%s = %s\n", name, config.Value)
	}
	return nil
}

// apply makes a change, and prints its position.
func apply(ctx context.Context, c *client.Client, change client.Change, out io.Writer) error {
	result, err := c.Apply(ctx, client.ChangeSet{Changes: []client.Change{change}})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, result.Position)
	return nil
}

// watch prints the configs, then what is different in each newer snapshot: also when the token may
// read other configs, or an older backup was restored. Changes that come while it prints become
// one.
func watch(ctx context.Context, c *client.Client, out io.Writer) error {
	before := c.Snapshot()
	if err := list(c, out); err != nil {
		return err
	}
	for {
		select {
		case <-before.Changed():
		case <-ctx.Done():
			return nil
		}
		now := c.Snapshot()
		for name := range before.All() {
			if _, found := now.Lookup(name); !found {
				fmt.Fprintf(out, "- %s\n", name)
			}
		}
		for name, config := range now.All() {
			if old, found := before.Lookup(name); !found || old.Position != config.Position {
				fmt.Fprintf(out, "%s = %s\n", name, config.Value)
			}
		}
		before = now
	}
}
