// Command configapi-example is a small client of ConfigApi, made with genqlient. Without arguments
// it prints its usage.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"

	"configapi/examples/go/api"
)

//go:generate go tool genqlient

var errUsage = errors.New(`list [PREFIX]      prints all configs, or those below PREFIX
at NAME TIME       prints the value that a config had, as in: at payments/timeout 2026-01-02T15:04:05Z
set NAME VALUE     gives a config a value
delete NAME        deletes a config
watch [PREFIX]     prints all configs, then every change, until it is interrupted

CONFIGAPI_URL is where the server is, http://127.0.0.1:4000 when unset
CONFIGAPI_TOKEN_FILE names a file with the token, which is read for each connection; no token when unset`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	url := cmp.Or(os.Getenv("CONFIGAPI_URL"), "http://127.0.0.1:4000") + "/graphql"
	client := graphql.NewClient(url, &http.Client{Timeout: 10 * time.Second, Transport: authorized{http.DefaultTransport}})
	command, name, value := argument(args, 0), argument(args, 1), argument(args, 2)
	switch {
	case command == "list" && len(args) <= 2:
		_, err := list(ctx, client, below(name))
		return err
	case command == "at" && len(args) == 3:
		return at(ctx, client, name, value)
	case command == "set" && len(args) == 3:
		return set(ctx, client, name, value)
	case command == "delete" && len(args) == 2:
		return remove(ctx, client, name)
	case command == "watch" && len(args) <= 2:
		position, err := list(ctx, client, below(name))
		if err != nil {
			return err
		}
		return watch(ctx, strings.Replace(url, "http", "ws", 1), below(name), position, printChange)
	}
	return errUsage
}

func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// below returns a filter for the configs below a prefix; nil, which selects all, for an empty one.
func below(prefix string) *api.ConfigFilterInput {
	if prefix == "" {
		return nil
	}
	return &api.ConfigFilterInput{Prefix: &prefix}
}

// list prints the current configs and returns the position of that state.
func list(ctx context.Context, client graphql.Client, filter *api.ConfigFilterInput) (position string, err error) {
	for after := (*string)(nil); ; {
		answer, err := api.List(ctx, client, filter, after)
		if err != nil {
			return "", err
		}
		page := answer.Configs
		for _, config := range page.Nodes {
			fmt.Printf("%s = %s\n", config.Name, config.Value)
		}
		if !page.PageInfo.HasNextPage {
			return page.Position, nil
		}
		after = page.PageInfo.EndCursor
	}
}

func at(ctx context.Context, client graphql.Client, name, text string) error {
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return err
	}
	answer, err := api.At(ctx, client, name, api.AsOfInput{Time: &instant})
	if err != nil {
		return err
	}
	revision := answer.AsOf.Config
	if revision == nil || revision.Value == nil {
		return fmt.Errorf("%s did not exist then", name)
	}
	fmt.Println(*revision.Value)
	return nil
}

func set(ctx context.Context, client graphql.Client, name, value string) error {
	answer, err := api.Set(ctx, client, api.SetConfigInput{Name: name, Value: value})
	if err != nil {
		return err
	}
	return report(*answer.SetConfig)
}

func remove(ctx context.Context, client graphql.Client, name string) error {
	answer, err := api.Delete(ctx, client, api.DeleteConfigInput{Name: name})
	if err != nil {
		return err
	}
	return report(*answer.DeleteConfig)
}

// report prints the position of a change, or returns the reason why there was none.
func report(result any) error {
	switch result := result.(type) {
	case interface{ GetPosition() string }:
		fmt.Println(result.GetPosition())
		return nil
	case interface{ GetMessage() string }:
		return errors.New(result.GetMessage())
	default:
		return fmt.Errorf("the server gave a result of an unknown type: %T", result)
	}
}

func printChange(change api.Change) {
	line := change.Position + " " + string(change.Operation) + " " + change.Name
	if change.Value != nil {
		line += " = " + *change.Value
	}
	fmt.Println(line)
}
