// Command check tests the rules of the graphql-transport-ws protocol on a running server, and
// prints a table of the results.
//
//	go run configapi/test/graphqlws/check -url ws://localhost:4000/graphql \
//		-query '{__typename}' -subscription 'subscription{…}'
//
// Exit code 0: the server keeps all rules that apply to it; 1: it breaks a rule; 2: nothing could
// be tested.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"configapi/test/graphqlws"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var target graphqlws.Target
	flags := newFlags(&target)
	flags.SetOutput(stderr)
	only := flags.String("run", "", "try only cases whose names match this regular `expression`")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	names, err := regexp.Compile(*only)
	switch {
	case err != nil:
	case target.URL == "":
		err = errors.New("say which server with -url")
	case flags.NArg() > 0:
		err = fmt.Errorf("%q is not a flag", flags.Arg(0))
	default:
		err = target.Reach(ctx)
	}
	if err != nil {
		fmt.Fprintf(stderr, "check: %v\n", err)
		return 2
	}
	return try(ctx, target, names, stdout)
}

// try runs the cases and prints the result of each.
func try(ctx context.Context, target graphqlws.Target, names *regexp.Regexp, out io.Writer) int {
	kept, broken, without := 0, 0, 0
	line := func(verdict, name, text string) { fmt.Fprintf(out, "%-5s %-34s  %s\n", verdict, name, text) }
	for _, c := range graphqlws.Cases() {
		if !names.MatchString(c.Name) {
			continue
		}
		if why := c.Applies(target); why != "" {
			without++
			line("-", c.Name, "does not apply: "+why)
			continue
		}
		if err := c.Try(ctx, target); err != nil {
			broken++
			line("FAIL", c.Name, c.Rule)
			line("", "", err.Error())
			continue
		}
		kept++
		line("PASS", c.Name, c.Rule)
	}
	fmt.Fprintf(out, "\n%d rules are kept, %d are broken, %d do not apply\n", kept, broken, without)
	switch {
	case broken > 0:
		return 1
	case kept == 0:
		return 2
	}
	return 0
}

// newFlags returns a flag for each field of the target that a text can express.
func newFlags(target *graphqlws.Target) *flag.FlagSet {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.StringVar(&target.URL, "url", "", "where the server takes websockets: ws://… or wss://…")
	flags.Func("header", "a `line` such as 'Authorization: Bearer …', sent with each handshake; may be given again", func(line string) error {
		name, value, found := strings.Cut(line, ":")
		if !found {
			return errors.New("want name: value")
		}
		if target.Header == nil {
			target.Header = http.Header{}
		}
		target.Header.Add(name, strings.TrimSpace(value))
		return nil
	})
	flags.Func("init", "the payload of connection_init that the server acknowledges, as `JSON`; all payloads when not given", func(text string) error {
		return json.Unmarshal([]byte(text), &target.Init)
	})
	flags.Func("refused-init", "a payload of connection_init that the server refuses, as `JSON`", func(text string) error {
		return json.Unmarshal([]byte(text), &target.RefusedInit)
	})

	flags.StringVar(&target.Query, "query", "", "a `document`: a query that succeeds")
	flags.StringVar(&target.SlowQuery, "slow-query", "", "a `document`: a query that takes a second or more")
	flags.StringVar(&target.Mutation, "mutation", "", "a `document`: a mutation that succeeds, any number of times")
	flags.StringVar(&target.Subscription, "subscription", "", "a `document`: a subscription that has messages and never ends")
	flags.StringVar(&target.Trigger, "trigger", "", "a `document`: a mutation that makes the subscription have a message; not needed when it has them by itself")
	flags.StringVar(&target.Finite, "finite", "", "a `document`: a subscription that has messages and then ends")
	flags.StringVar(&target.Failing, "failing", "", "a `document`: a subscription that ends with an error")
	flags.StringVar(&target.Flood, "flood", "", "a `document`: an operation that has 16 MiB to send")

	flags.DurationVar(&target.InitTimeout, "init-timeout", 0, "the server's time-out for connection_init")
	flags.DurationVar(&target.PingInterval, "ping-interval", 0, "the time between two pings of the server")
	flags.DurationVar(&target.SilenceTimeout, "silence-timeout", 0, "after which the server drops a client that sends nothing")
	flags.DurationVar(&target.WriteTimeout, "write-timeout", 0, "after which the server drops a client that takes nothing")
	flags.IntVar(&target.MaxMessageBytes, "max-message", 0, "the longest message that the server takes, in bytes")
	flags.IntVar(&target.MaxInitBytes, "max-init", 0, "the longest message that the server takes before connection_ack, in bytes, when that is less")
	flags.IntVar(&target.MaxIDBytes, "max-id", 0, "the longest id that the server takes, in bytes")
	flags.IntVar(&target.MaxStreams, "max-streams", 0, "how many operations the server runs on one socket")
	flags.StringVar(&target.ForeignOrigin, "foreign-origin", "", "an origin whose pages must not open sockets")
	flags.BoolVar(&target.NoCompression, "no-compression", false, "the server must not compress")
	flags.DurationVar(&target.Patience, "patience", 5*time.Second, "how long the server may take for an answer")
	return flags
}
