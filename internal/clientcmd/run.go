package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"configapi/client"
	"configapi/internal/clientconfig"
	"configapi/internal/environment"
	"configapi/internal/fault"
	"configapi/internal/fileformat"
	"configapi/internal/setting"
	"configapi/internal/supervisor"
)

const (
	// restartQuiet is for how long nothing must change before a program is started again.
	restartQuiet = 300 * time.Millisecond
	// restartInterval is at least between two restarts.
	restartInterval = 10 * time.Second
	// maxRunBytes is how much configs may have together: more than any environment.
	maxRunBytes = 32 << 20
)

// runFlags say what a program gets, and when.
type runFlags struct {
	prefixes, maps []string
	onChange       reaction
	grace, splay   time.Duration
	cache          string
	maxStale       time.Duration
	pristine       bool
}

func newRun(env Env) *cobra.Command {
	var f runFlags
	var c connection
	cmd := &cobra.Command{
		Use:     "run -- COMMAND [ARGUMENT ...]",
		Short:   "run a program with configs",
		GroupID: GroupRead,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "" {
				return UsageErrorf("write `configapi %s`; see `%s -h`", c.Use, c.CommandPath())
			}
			return nil
		},
		Long: `Runs COMMAND with the configs at and below --prefix, or all, as variables: what
follows the prefix, in upper case, with _ for all characters but letters and
digits. When they change, COMMAND is stopped and started again: once for a
change set, when nothing has changed for 300 ms, and at most every 10 s.

The program runs on when the server is unreachable, and when the new variables
cannot be had; a line says why. With --cache it starts without the server, too.
It gets the signals that configapi gets, and the terminal; orphans are reaped.

It ends with the exit code of COMMAND, or with 128 and the number of the signal
that has ended it; with 127 when there is no COMMAND, and with 126 when it
cannot be started. See docs/run.md.`,
		Example: `  configapi run --prefix payments -- ./server --port 8080
  configapi run --prefix base --prefix payments --map payments/db/url=DATABASE_URL --cache /var/lib/payments.configs -- ./server
  configapi run --prefix payments --on-change signal:HUP -- ./server`,
	}
	cmd.Flags().SetInterspersed(false) // flags after COMMAND are its own
	setting.Register(cmd.Flags(), f.settings()...)
	c.register(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := &runner{env: env, connection: &c, flags: f}
		return r.run(cmd.Context(), args)
	}
	return cmd
}

func (f *runFlags) settings() []setting.Setting {
	return []setting.Setting{
		{Flag: "prefix", Value: setting.Strings(&f.prefixes),
			Meaning: "`PREFIX` of the configs; given several times, a later one replaces what an earlier one has"},
		{Flag: "map", Value: setting.Strings(&f.maps),
			Meaning: "`NAME=VARIABLE`: give the config NAME that variable; may be given several times"},
		{Flag: "on-change", Value: setting.Of(&f.onChange),
			Meaning: "`WHAT` COMMAND gets of a change: restart, signal:NAME such as signal:HUP, or none; without it, restart"},
		{Flag: "grace", Value: setting.Duration(&f.grace, 10*time.Second),
			Meaning: "`DURATION` that COMMAND may take to end before it is killed; 0: as long as it likes"},
		{Flag: "splay", Value: setting.Duration(&f.splay, 0),
			Meaning: "`DURATION` by which a change is applied later at most, at random, so that not all programs start again at once"},
		{Flag: "cache", Value: setting.String(&f.cache, ""),
			Meaning: "keep the configs in `FILE`, in clear, and start from it when the server is unreachable"},
		{Flag: "max-stale", Value: setting.Duration(&f.maxStale, 0),
			Meaning: "`DURATION` that the configs of --cache may be old at the start; 0: any"},
		{Flag: "pristine", Value: setting.Switch(&f.pristine),
			Meaning: "give COMMAND no other variables, not even PATH"},
	}
}

// check returns an error about flags that cannot be used.
func (f *runFlags) check() error {
	switch {
	case f.grace < 0 || f.splay < 0 || f.maxStale < 0:
		return UsageErrorf("--grace, --splay and --max-stale must not be negative")
	case f.maxStale > 0 && f.cache == "":
		return UsageErrorf("--max-stale needs --cache")
	}
	return nil
}

// reaction is the value of --on-change.
type reaction struct {
	kind   supervisor.Reaction
	signal syscall.Signal
	text   string
}

func (r *reaction) String() string { return r.text }

func (r *reaction) Set(text string) error {
	r.text = text
	name, isSignal := strings.CutPrefix(text, "signal:")
	switch {
	case text == "restart":
		r.kind = supervisor.Restart
		return nil
	case text == "none":
		r.kind = supervisor.None
		return nil
	case isSignal:
		if number, is := supervisor.ParseSignal(name); is {
			r.kind, r.signal = supervisor.Signal, number
			return nil
		}
		return errors.New("there is no such signal; write one such as signal:HUP")
	}
	return errors.New("write restart, none, or a signal such as signal:HUP")
}

// runner runs a program.
type runner struct {
	env        Env
	connection *connection
	flags      runFlags
	children   sync.Mutex // held while a token_command runs

	logging sync.Mutex // guards standard error of env, which the program may write to as well
	outages outages
}

func (r *runner) run(ctx context.Context, args []string) error {
	if err := r.flags.check(); err != nil {
		return err
	}
	maps, err := fileformat.ParseMap(r.flags.maps)
	if err != nil {
		return UsageErrorf("%w", err)
	}
	target, err := r.resolve(ctx)
	if err != nil {
		return UsageErrorf("%w", err)
	}
	source := &configSource{maps: maps, prefixes: r.prefixes(target)}
	if err := checkLayers(source.prefixes); err != nil {
		return err
	}
	if !r.flags.pristine {
		source.parent = os.Environ()
	}
	source.client, err = client.Open(ctx, r.options(target, source.prefixes))
	if err != nil {
		return (&session{env: r.env, target: target}).explain(ctx, err)
	}
	defer source.client.Close()
	r.outages.follow(source.client)
	r.logStart(source)
	// The context ends with SIGINT and SIGTERM, which the supervisor gets itself.
	code, err := supervisor.Run(context.WithoutCancel(ctx), supervisor.Options{
		Args: args, Stdin: fileOf(r.env.Stdin), Stdout: fileOf(r.env.Stdout), Stderr: fileOf(r.env.Stderr),
		Source: source, OnChange: r.flags.onChange.kind, Signal: r.flags.onChange.signal,
		Grace: r.flags.grace, Quiet: restartQuiet, Interval: restartInterval, Splay: r.flags.splay,
		Log: r.log, Children: &r.children,
	})
	return endOfRun(code, err)
}

// endOfRun returns the error of a program that has ended with a code, or that could not be run.
func endOfRun(code int, err error) error {
	var start *supervisor.StartError
	switch {
	case errors.As(err, &start):
		return &ExitError{start.Code, err}
	case errors.As(err, new(*environment.Error)):
		return &ExitError{fault.ExitInvalid, err}
	case err == nil && code != 0:
		return &ExitError{Code: code} // the program has said why
	}
	return err
}

// checkLayers returns an error about prefixes that cannot be layers.
func checkLayers(prefixes []string) error {
	if len(prefixes) > client.MaxLayers {
		return UsageErrorf("--prefix is given %d times; at most %d are allowed", len(prefixes), client.MaxLayers)
	}
	seen := map[string]bool{} // :: prefix → it is a layer
	for _, prefix := range prefixes {
		if prefix == "" || seen[prefix] {
			return UsageErrorf("--prefix %q is empty or given twice", prefix)
		}
		seen[prefix] = true
	}
	return nil
}

// resolve returns the server.
func (r *runner) resolve(ctx context.Context) (clientconfig.Target, error) {
	r.children.Lock() // a token_command is waited for where it is started
	defer r.children.Unlock()
	return r.connection.Resolve(ctx, clientconfig.Environment{Getenv: r.env.Getenv, Stderr: r.env.Stderr})
}

// prefixes returns the whole prefixes, none for all configs.
func (r *runner) prefixes(target clientconfig.Target) (prefixes []string) {
	s := &session{target: target}
	for _, prefix := range r.flags.prefixes {
		prefixes = append(prefixes, s.fullPrefix(strings.TrimSuffix(prefix, "/")))
	}
	if len(prefixes) == 0 && target.Prefix != "" {
		prefixes = []string{target.Prefix}
	}
	return prefixes
}

func (r *runner) options(target clientconfig.Target, prefixes []string) client.Options {
	o := client.Options{
		URL: target.URL, CA: target.CA, Insecure: target.Insecure, UserAgent: userAgent(),
		File: r.flags.cache, MaxStale: r.flags.maxStale, MaxBytes: maxRunBytes, OnError: r.logServer,
	}
	switch len(prefixes) {
	case 0:
	case 1:
		o.Prefix = prefixes[0]
	default:
		o.Layers = prefixes
	}
	if target.Token != "" {
		o.TokenFunc = tokens(target, r.resolve)
	}
	return o
}

// tokens returns a function that returns the token of a server, and looks for a new one each time
// but the first.
func tokens(first clientconfig.Target, resolve func(context.Context) (clientconfig.Target, error)) func(context.Context) (string, error) {
	token := first.Token
	return func(ctx context.Context) (string, error) {
		if own := token; own != "" {
			token = ""
			return own, nil
		}
		now, err := resolve(ctx)
		if err == nil && now.URL != first.URL {
			err = errors.New("the context has another server now; start the program again")
		}
		return now.Token, err
	}
}

// log writes a line for people.
func (r *runner) log(format string, args ...any) {
	r.logging.Lock()
	defer r.logging.Unlock()
	(&session{env: r.env}).note("%s", "configapi: "+printable(fmt.Sprintf(format, args...)))
}

// logServer logs what is wrong with the server, once in each outage.
func (r *runner) logServer(err error) {
	if text := err.Error(); r.outages.isNew(text) {
		r.log("%s; the program runs on", text)
	}
}

// logStart logs what a user should know of the first configs.
func (r *runner) logStart(source *configSource) {
	first := source.client.Snapshot()
	if first.FromFile() {
		age := r.env.Time().Sub(first.CurrentAt()).Round(time.Second)
		r.log("the program starts with the configs of %s, which are %v old, at position %s", r.flags.cache, age, first.Position())
	}
	for _, name := range source.unmapped(first) {
		r.log("--map %s: there is no such config at and below the prefix", name)
	}
}

// fileOf returns the file that a stream of the process is, nil if it is none.
func fileOf(stream any) *os.File {
	file, _ := stream.(*os.File)
	return file
}
