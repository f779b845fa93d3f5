package clientcmd

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"configapi/client"
	"configapi/internal/configtemplate"
)

// renderFlags say how files are made of templates.
type renderFlags struct {
	connection
	prefixes      []string
	check, exec   string // commands of the shell; "": none
	timeout       time.Duration
	mode          string
	cache         string
	maxStale      time.Duration
	watch, dryRun bool
}

func newRender(env Env) *cobra.Command {
	var f renderFlags
	cmd := &cobra.Command{
		Use:     "render TEMPLATE OUT [TEMPLATE OUT ...]",
		Short:   "make files of templates",
		GroupID: GroupMove,
		Args:    words(2, many),
		Long: `Makes the file OUT of TEMPLATE, a text for Go's text/template whose functions
read configs: all of one position, so never half a change set. docs/render.md
lists the functions. A config that is missing is an error, unless get has a
default. TEMPLATE - is standard input, and OUT - standard output.

The file is written beside OUT, checked with --check, and renamed: at any moment
OUT is the old one or the new one. Its mode and its owner are kept, and nothing
is written when nothing differs. --check and --exec are commands of the shell;
both get CONFIGAPI_POSITION, and --check the path of the new file as $1 and OUT
as $2. --exec runs after OUT was written. With several templates, all are
checked before one is written, and --exec runs once.

--watch makes the files anew at each change, until it is interrupted. When a
check or --exec fails, it says why and tries again. While the server is
unreachable the files stay, and with --cache it starts without the server, too.

It ends with 3 when a config is missing, with 8 when a template or a check
fails, and of a dry run with 1 when a file differs.`,
		Example: `  configapi render app.tmpl app.conf --prefix payments
  configapi render nginx.tmpl /etc/nginx/nginx.conf --check 'nginx -t -c "$1"' --exec 'nginx -s reload' --watch
  configapi render app.tmpl app.conf --dry-run`,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.prefixes, "prefix", nil, "leave `PREFIX` out of the names in templates; given several times, a later one replaces what an earlier one has")
	flags.StringVar(&f.check, "check", "", "write OUT only if `COMMAND` ends well")
	flags.StringVar(&f.exec, "exec", "", "run `COMMAND` after OUT was written")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "`DURATION` that --check and --exec may take each")
	flags.StringVar(&f.mode, "mode", "0600", "`MODE` of a file that does not exist yet")
	flags.BoolVar(&f.watch, "watch", false, "make the files anew at each change")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what differs, and write nothing")
	flags.StringVar(&f.cache, "cache", "", "keep the configs in `FILE`, in clear, and use it when the server is unreachable at the start")
	flags.DurationVar(&f.maxStale, "max-stale", 0, "`DURATION` that the configs of --cache may be old; 0: any")
	f.register(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), env, args) }
	return cmd
}

func (f *renderFlags) run(ctx context.Context, env Env, args []string) error {
	pages, err := f.pages(env, args)
	if err != nil {
		return err
	}
	mode, err := strconv.ParseUint(f.mode, 8, 32)
	if err != nil || mode > 0o777 {
		return UsageErrorf("--mode must be one such as 0640")
	}
	env.Stderr = &lockedWriter{inner: env.Stderr}
	source, err := f.source(ctx, env)
	if err != nil {
		return err
	}
	r := &renderer{session: source.session, flags: f, pages: pages, mode: fs.FileMode(mode)}
	c, err := client.Open(ctx, source.options())
	if err != nil {
		return source.session.explain(ctx, err)
	}
	defer c.Close()
	source.outages.follow(c)
	if f.watch {
		return r.watch(ctx, c)
	}
	if f.dryRun {
		return r.compare(ctx, c.Snapshot())
	}
	return r.once(ctx, c.Snapshot())
}

// page is a file that is made of a template.
type page struct {
	template *configtemplate.Template
	source   string // the path of the template
	out      string
}

const standardStream = "-"

// pages reads the templates, and checks that the flags fit them.
func (f *renderFlags) pages(env Env, args []string) ([]page, error) {
	switch {
	case len(args)%2 != 0:
		return nil, UsageErrorf("there must be one OUT for each TEMPLATE")
	case f.timeout <= 0 || f.maxStale < 0:
		return nil, UsageErrorf("--timeout must be positive, and --max-stale must not be negative")
	case f.maxStale > 0 && f.cache == "":
		return nil, UsageErrorf("--max-stale needs --cache")
	case f.watch && f.dryRun:
		return nil, UsageErrorf("give --watch or --dry-run, not both")
	case f.watch && f.output != outputTable:
		return nil, UsageErrorf("--watch prints lines for people alone; leave -o out")
	case f.dryRun && f.exec != "":
		return nil, UsageErrorf("a dry run writes nothing, so leave --exec out")
	}
	var pages []page
	seen := map[string]bool{} // :: file that is written or read → it is there
	for i := 0; i < len(args); i += 2 {
		p := page{source: args[i], out: args[i+1]}
		if p.out == standardStream && (len(args) > 2 || f.watch || f.dryRun || f.check != "" || f.exec != "") {
			return nil, UsageErrorf("OUT - is for one template alone, without --watch, --dry-run, --check and --exec")
		}
		if path := filepath.Clean(p.out); path == filepath.Clean(p.source) && path != standardStream || seen[path] {
			return nil, UsageErrorf("%s is there twice: each OUT must be a file of its own", printable(p.out))
		} else {
			seen[path] = true
		}
		if p.source == standardStream && i > 0 {
			return nil, UsageErrorf("TEMPLATE - must be the first one, and the only one")
		}
		text, err := readTemplate(env, p.source)
		if err != nil {
			return nil, UsageErrorf("reading the template: %w", err)
		}
		if p.template, err = configtemplate.Parse(p.source, string(text)); err != nil {
			return nil, UsageErrorf("%w", err)
		}
		pages = append(pages, p)
	}
	return pages, nil
}

func readTemplate(env Env, path string) ([]byte, error) {
	if path == standardStream {
		return readAll(env.Stdin, configtemplate.MaxTemplateBytes)
	}
	return readFile(path, configtemplate.MaxTemplateBytes)
}

// commandEnvironment returns the variables of a command: those of the process, without the token
// and the server.
func commandEnvironment(position string) []string {
	var variables []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CONFIGAPI_") {
			variables = append(variables, variable)
		}
	}
	return append(variables, "CONFIGAPI_POSITION="+position)
}
