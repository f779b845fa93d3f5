package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"configapi/test/faults/fault"
)

// options of a run.
type options struct {
	Tree     string        // the tree whose server is tested
	Seed     uint64        // of all random choices of the suite
	Rounds   int           // of each fault
	Strikes  int           // of the fault in each round
	Faults   []fault.Fault // in the order of each round
	Tokens   int           // of which each has streams, in a round of rights
	Deadline time.Duration // of the whole run
	First    bool          // end with the first finding
	Result   string        // a file for the result as JSON; "": none
	Out      string        // a file for the report; "": none
	Mutants  bool          // try the planted bugs instead
	Planted  string        // the one planted bug to try; "": all
}

// short is the profile of CI: one round of each fault that is noticed quickly, and of each kind of
// link.
var short = []string{
	"node-kill", "node-stop", "postgres-kill", "listener-end", "writer-end", "front-cut", "back-cut", "back-reset", "slow-reader",
	"failover-async", "failover-sync", "two-primaries", "restore", "read-only", "tight-role", "rights",
}

// The tokens of a round of rights. Each has 8 streams.
const (
	usualTokens = 250
	shortTokens = 32
)

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&o.Tree, "tree", "../..", "`FOLDER` of the tree whose server is tried")
	flags.Uint64Var(&o.Seed, "seed", 0, "`SEED` of a run to repeat, as far as timing allows; 0: a new one")
	flags.IntVar(&o.Rounds, "rounds", 3, "how many `ROUNDS` each fault gets")
	flags.IntVar(&o.Strikes, "strikes", 2, "how often a fault strikes in a round")
	flags.IntVar(&o.Tokens, "tokens", 0, "how many `TOKENS` have streams in a round of rights, 8 each; 0: "+strconv.Itoa(usualTokens)+", with -short "+strconv.Itoa(shortTokens))
	only := flags.String("only", "", "`NAMES` of faults, with commas between; all, unless said otherwise")
	quick := flags.Bool("short", false, "the profile of CI: one strike of "+strings.Join(short, ", "))
	flags.DurationVar(&o.Deadline, "deadline", 2*time.Hour, "how long the whole run may take")
	flags.BoolVar(&o.First, "first", false, "end with the first finding")
	flags.StringVar(&o.Result, "result", "", "`FILE` for the result as JSON")
	flags.StringVar(&o.Out, "out", "", "`FILE` for the report")
	flags.BoolVar(&o.Mutants, "mutants", false, "plant the bugs of mutants/ instead, each into a copy of the tree; each must be found")
	flags.StringVar(&o.Planted, "mutant", "", "the `NAME` of the one planted bug to try")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	if o.Rounds < 1 || o.Strikes < 1 || o.Tokens < 0 {
		return o, errors.New("-rounds and -strikes must be at least 1, and -tokens not negative")
	}
	o.Faults = fault.All()
	var err error
	switch {
	case *only != "":
		o.Faults, err = fault.Pick(strings.Split(*only, ","))
	case *quick:
		o.Rounds, o.Strikes, o.Tokens = 1, 1, cmp.Or(o.Tokens, shortTokens)
		o.Faults, err = fault.Pick(short)
	}
	if err != nil {
		return o, err
	}
	o.Tokens = cmp.Or(o.Tokens, usualTokens)
	if o.Seed == 0 {
		o.Seed = rand.Uint64N(1 << 32)
	}
	o.Tree, err = filepath.Abs(o.Tree)
	return o, err
}
