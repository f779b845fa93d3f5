package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the flags of a run.
type options struct {
	Args     []string // as given
	Dir      string   // directory of all data; one file system for all contenders
	Out      string   // file for the report, in addition to stdout; "": none
	Tree     string   // source tree of configapi
	Binary   string   // a built configapi; "": build from Tree
	Parts    []string
	Stores   []string
	Clients  []int
	Duration time.Duration // of one measurement, after its warm-up
	WarmUp   time.Duration
	Rounds   int
	Names    int
	Size     int    // of a value, in bytes
	NameSize int    // of a name in a history, in bytes; 0: as short as it can be
	Client   string // clientLean or clientNetHTTP
	Events   int    // in the history of the start measurement
	Batch    int    // events per append of a history; 0: historyBatch

	LargeValue  int // bytes of a value of the part values
	LargeEvents int // in the history of the part large
	LargeNames  int

	EtcdConns int    // connections of etcd's client; 0: see connections
	EtcdReads string // readsSerializable or readsLinearizable

	Publishers     []string // contenders of streams
	Subscribers    []int
	Idle           []int         // subscribers of the part idle
	IdleTime       time.Duration // until the second memory measurement
	EtcdWatchConns int           // connections of etcd's watchers; 0: see watchConnections
}

// Values of the flags that choose.
const (
	partWrites  = "writes"
	partReads   = "reads"
	partStart   = "start"
	partAsOf    = "asof"
	partStreams = "streams"
	partIdle    = "idle"
	partNodes   = "nodes"
	partMemory  = "memory"
	partSets    = "sets"
	partPages   = "pages"
	partValues  = "values"
	partLarge   = "large"
	partLimits  = "limits"
	partRights  = "rights"

	storeMemory   = "memory"
	storeSQLite   = "sqlite"
	storePostgres = "postgres"

	clientLean    = "lean"
	clientNetHTTP = "nethttp"

	readsSerializable = "serializable"
	readsLinearizable = "linearizable"
)

// parseOptions parses the flags of a run. The error is flag.ErrHelp if help was requested and
// printed.
func parseOptions(args []string, usage io.Writer) (options, error) {
	o := options{Args: args}
	var quick bool
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&o.Dir, "dir", os.TempDir(), "keep all data below this `directory`; not on a tmpfs, where fsync costs nothing")
	fs.StringVar(&o.Out, "out", "", "write the report to this `file` too")
	fs.StringVar(&o.Tree, "tree", "..", "source `tree` of configapi")
	fs.StringVar(&o.Binary, "binary", "", "measure this configapi `program` instead of building one from -tree")
	fs.DurationVar(&o.Duration, "duration", 2*time.Second, "length of one measurement")
	fs.DurationVar(&o.WarmUp, "warmup", 500*time.Millisecond, "load before each measurement that is not counted")
	fs.IntVar(&o.Rounds, "rounds", 3, "measurements of each cell; contenders take turns, the median counts")
	fs.IntVar(&o.Names, "names", 10_000, "number of names that are written and read")
	fs.IntVar(&o.Size, "value-size", 64, "`bytes` of a value")
	fs.IntVar(&o.LargeValue, "large-value", defaultLargeValue, "`bytes` of a value of the part values")
	fs.IntVar(&o.LargeEvents, "large-events", defaultLargeEvents, "events in the history of the part large, which only -only runs")
	fs.IntVar(&o.LargeNames, "large-names", defaultLargeNames, "names in it")
	fs.IntVar(&o.Events, "start-events", 1_000_000, "events in the history that is loaded at start")
	fs.IntVar(&o.EtcdConns, "etcd-conns", 0, "connections of etcd's client; 0 takes what served etcd best (see README.md)")
	fs.DurationVar(&o.IdleTime, "idle-time", 15*time.Second, "time after which their memory is measured once more")
	fs.IntVar(&o.EtcdWatchConns, "etcd-watch-conns", 0, "connections of etcd's watchers; 0 takes what served etcd best (see README.md)")
	fs.BoolVar(&quick, "quick", false, "one round of 1s at 1 and 64 clients, 100,000 events at start: a look, not a figure; few subscribers; other flags override it")
	parts := fs.String("only", "writes,reads,values,start,asof,pages,sets,memory,streams,idle,nodes,limits,rights", "`parts` to run")
	stores := fs.String("stores", "sqlite,postgres", "`stores` to measure: sqlite, postgres, memory")
	clients := fs.String("clients", "1,16,64,256", "`counts` of clients")
	idle := fs.String("idle", "10000,50000", "`counts` of idle subscribers that memory is measured with")
	subscribers := fs.String("subscribers", "1000", "`counts` of subscribers to streams")
	publishers := fs.String("publishers", strings.Join(publishersInReport, ","), "`contenders` of streams to measure")
	fs.StringVar(&o.Client, "client", clientLean, "HTTP client: lean, or nethttp for Go's own")
	fs.StringVar(&o.EtcdReads, "etcd-reads", readsSerializable, "etcd's gets: serializable (as cheap as they come) or linearizable")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: everything is a flag, see -help", fs.Arg(0))
	}
	if quick {
		given := map[string]bool{}
		fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
		o.makeQuick(given, clients, subscribers, idle)
	}
	var err error
	o.Parts, o.Stores, o.Publishers = strings.Split(*parts, ","), strings.Split(*stores, ","), strings.Split(*publishers, ",")
	if o.Clients, err = parseCounts("clients", *clients); err != nil {
		return o, err
	}
	if o.Subscribers, err = parseCounts("subscribers", *subscribers); err != nil {
		return o, err
	}
	if o.Idle, err = parseCounts("idle", *idle); err != nil {
		return o, err
	}
	return o, o.check()
}

// makeQuick shortens what no flag has set.
func (o *options) makeQuick(given map[string]bool, clients, subscribers, idle *string) {
	if !given["duration"] {
		o.Duration = time.Second
	}
	if !given["warmup"] {
		o.WarmUp = 300 * time.Millisecond
	}
	if !given["rounds"] {
		o.Rounds = 1
	}
	if !given["start-events"] {
		o.Events = 100_000
	}
	if !given["clients"] {
		*clients = "1,64"
	}
	if !given["subscribers"] {
		*subscribers = "200"
	}
	if !given["idle"] {
		*idle = "1000"
	}
	if !given["idle-time"] {
		o.IdleTime = 0
	}
}

// check returns an error for options that cannot be measured.
func (o *options) check() error {
	return errors.Join(
		among("only", o.Parts, partWrites, partReads, partValues, partStart, partAsOf, partPages, partSets, partMemory, partStreams, partIdle, partNodes, partLarge, partLimits, partRights),
		among("stores", o.Stores, storeSQLite, storePostgres, storeMemory),
		among("publishers", o.Publishers, publishersInReport...),
		among("client", []string{o.Client}, clientLean, clientNetHTTP),
		among("etcd-reads", []string{o.EtcdReads}, readsSerializable, readsLinearizable),
		atLeast("duration", o.Duration, 10*time.Millisecond),
		atLeast("warmup", o.WarmUp, 0),
		atLeast("rounds", o.Rounds, 1),
		atLeast("names", o.Names, 1),
		atMost("names", o.Names, 1_000_000), // as many as nameDigits can number
		atLeast("value-size", o.Size, numberWidth),
		atLeast("large-value", o.LargeValue, numberWidth),
		atMost("large-value", o.LargeValue, defaultLargeValue),
		atLeast("large-names", o.LargeNames, 1),
		atMost("large-names", o.LargeNames, 1_000_000),
		atLeast("large-events", o.LargeEvents, 1),
		atLeast("start-events", o.Events, 1),
		atLeast("etcd-conns", o.EtcdConns, 0),
		atLeast("idle-time", o.IdleTime, 0),
		atLeast("etcd-watch-conns", o.EtcdWatchConns, 0),
	)
}

// has reports whether a part is selected.
func (o *options) has(part string) bool { return slices.Contains(o.Parts, part) }

// loads reports whether a part needs servers under load.
func (o *options) loads() bool { return o.has(partWrites) || o.has(partReads) }

// histories reports whether a part needs long histories.
func (o *options) histories() bool {
	return o.has(partStart) || o.has(partAsOf) || o.has(partPages) || o.has(partSets)
}

// nodes reports whether several nodes are measured, which share a PostgreSQL.
func (o *options) nodes() bool { return o.has(partNodes) && slices.Contains(o.Stores, storePostgres) }

// among returns an error if a value is not one of the known ones.
func among(flagName string, values []string, known ...string) error {
	for _, v := range values {
		if !slices.Contains(known, v) {
			return fmt.Errorf("-%s: %q is none of %s", flagName, v, strings.Join(known, ", "))
		}
	}
	return nil
}

// atLeast returns an error if a number is below a limit.
func atLeast[T cmp.Ordered](flagName string, value, limit T) error {
	if value < limit {
		return fmt.Errorf("-%s is too small: at least %v", flagName, limit)
	}
	return nil
}

// atMost returns an error if a number is above a limit.
func atMost[T cmp.Ordered](flagName string, value, limit T) error {
	if value > limit {
		return fmt.Errorf("-%s is too large: at most %v", flagName, limit)
	}
	return nil
}

// parseCounts parses a list of positive numbers such as "1,16".
func parseCounts(flagName, text string) ([]int, error) {
	var counts []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-%s: %q is no count", flagName, field)
		}
		counts = append(counts, n)
	}
	return counts, nil
}
