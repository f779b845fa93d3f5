// Command hostile attacks a server's resources in the ways that strangers have, and prints what
// each attack cost the server: memory, CPU and time, and what other clients noticed of it. It fails
// when a figure is above the attack's ceiling.
//
//	go run ./test/hostile                     # builds the server from this tree; see the flags with -help
//	go run ./test/hostile -binary ./configapi # attacks another build, for a comparison
//
// Each attack gets a server of its own, on a free port of the loopback address with a store of its
// own. The ceilings leave room for slow and busy machines: they tell a bounded server from an
// unbounded one, and no more.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"configapi/internal/processtest"
)

// Exit codes: a figure is above its ceiling, or the attacks could not be made.
const (
	exitExceeded = 3
	exitBroken   = 1
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exceeded, err := attackAll(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(exitBroken)
	case exceeded:
		os.Exit(exitExceeded)
	}
}

func attackAll(ctx context.Context) (exceeded bool, err error) {
	binary := flag.String("binary", "", "the `PROGRAM` to attack; built from this tree when left out")
	only := flag.String("only", "", "attack only with what matches the `REGEXP`")
	list := flag.Bool("list", false, "list the attacks and end")
	bulkheads := flag.Bool("bulkheads", false, "measure writes beside the worst reads instead, which no ceiling judges")
	store := flag.String("store", "", "with -bulkheads, the `URL` of an empty store; a new file when left out")
	each := flag.Duration("for", 10*time.Second, "with -bulkheads, how long each part is measured")
	read := flag.String("read", "", "only read, from the server at an `ADDRESS`; the program starts itself so")
	query := flag.String("query", "", "what is read then")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return false, fmt.Errorf("-only: %w", err)
	}
	if *read != "" {
		return false, readOnly(ctx, *read, *query, *each)
	}
	dir, err := os.MkdirTemp("", "configapi-hostile-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	if *binary == "" && !*list {
		*binary = filepath.Join(dir, "configapi")
		if err := processtest.Build(ctx, ".", *binary); err != nil {
			return false, err
		}
	}
	if *bulkheads {
		return false, measureBulkheads(ctx, *binary, dir, *store, *each)
	}
	fmt.Println(reportHead)
	for _, a := range append(slices.Clip(attacks), mixedAttack) {
		if !wanted.MatchString(a.name) {
			continue
		}
		if *list {
			fmt.Println(a.row())
			continue
		}
		seen, err := a.make(ctx, *binary, filepath.Join(dir, a.name))
		if err != nil {
			return exceeded, fmt.Errorf("%s: %w", a.name, err)
		}
		fmt.Println(a.report(seen))
		exceeded = exceeded || len(a.exceeded(seen)) > 0
	}
	return exceeded, nil
}
