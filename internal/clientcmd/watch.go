package clientcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/fault"
)

// watch is a watch that runs.
type watch struct {
	*session
	prefix string // the whole one
	asJSON bool
	exec   string  // the command that gets each change set; "": they are printed
	cursor *cursor // nil: the position is not kept
	pause  time.Duration
}

func newWatch(env Env) *cobra.Command {
	var after, cursorFile string
	w := watch{pause: firstExecPause}
	cmd := &cobra.Command{
		Use:     "watch [PREFIX]",
		Short:   "follow changes",
		GroupID: GroupRead,
		Args:    words(0, 1),
		Long: `Prints a line for each change set of the configs at and below PREFIX, or of
all, from now on or from --after on, until it is interrupted. When the
connection breaks, it goes on where it was: no set is lost, none comes twice,
and all come in order.

--exec runs a command of the shell for each set, one at a time: the set comes
to it as JSON on standard input, and its position in CONFIGAPI_POSITION. One
that fails is run again, after 1 s at first and 1 min at last; the next set
waits.

--cursor keeps the position in FILE after each set is printed or its command
has ended well. The next watch with that FILE goes on there, so that each set
comes at least once, in order; only one that was under way when the watch was
killed comes again. One watch at a time uses a FILE.

It ends with 6 when the server cannot be reached at its start, and with 4 when
the server does not have the position any more, or what you may read has
changed: then read the configs anew.`,
		Example: `  configapi watch payments
  configapi watch payments --cursor /var/lib/app/cursor --exec 'systemctl reload app'`,
	}
	flags := cmd.Flags()
	flags.StringVar(&after, "after", "", "begin after the position `P`; a cursor that is there counts more")
	flags.BoolVar(&w.asJSON, "json", false, "print a line of JSON for each change set, as -o json does")
	flags.StringVar(&w.exec, "exec", "", "run `COMMAND` for each change set in place of printing it")
	flags.StringVar(&cursorFile, "cursor", "", "keep the position in `FILE`, and go on from it")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		w.session, w.prefix = s, s.fullPrefix(firstOf(args...))
		w.asJSON = w.asJSON || s.output == outputJSON
		switch {
		case s.output == outputYAML:
			return UsageErrorf("watch prints lines, or JSON with --json")
		case after != "" && !positionForm.MatchString(after):
			return UsageErrorf("--after must be a position such as 1842-9f3a21c0; `configapi log` shows them")
		case cursorFile != "":
			w.cursor = &cursor{path: cursorFile, URL: s.client.URL(), Prefix: w.prefix}
			kept, err := w.cursor.read()
			if err != nil {
				return err
			}
			after = firstOf(kept, after)
		}
		return w.run(ctx, after)
	})
}

// run follows changes until the command is interrupted, which is no error.
func (w *watch) run(ctx context.Context, after string) error {
	if w.asJSON {
		w.output = outputJSON
	}
	noted := ""
	follow := rest.Follow{Prefix: w.prefix, After: after, Lost: func(e *rest.Error, _ time.Duration) {
		if why := printable(e.Error()); why != noted { // the same one again is no news
			w.note("%s; the watch tries again until it is interrupted", why)
			noted = why
		}
	}}
	last := after
	err := w.client.Stream(ctx, follow, func(c rest.Changes) error {
		if err := w.take(ctx, c); err != nil {
			return err
		}
		last = c.Position
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return nil
	case last != "" && isCode(err, fault.PositionUnknown.Code()):
		return w.mustBeginAnew("the history of the server does not have the position "+last+": it was restored or replaced", err)
	case last != "" && isCode(err, fault.Denied.Code()):
		return w.mustBeginAnew("the server does not go on from the position "+last, err)
	}
	return err
}

// mustBeginAnew returns the error of a position that is refused for good.
func (w *watch) mustBeginAnew(what string, err error) error {
	next := "begin again without --after"
	if w.cursor != nil {
		next = "remove " + printable(w.cursor.path) + ", and begin again"
	}
	return &ExitError{fault.ExitConflict, fmt.Errorf("%s: %w; read the configs anew, for example with `configapi list`, and %s", what, err, next)}
}

// take takes a change set, or a position up to which there is nothing else, and keeps the position.
func (w *watch) take(ctx context.Context, c rest.Changes) error {
	if len(c.Changes) > 0 {
		if err := w.takeSet(ctx, setOf(c.Changes)); err != nil {
			return err
		}
	}
	if w.cursor != nil {
		return w.cursor.write(c.Position)
	}
	return nil
}

func (w *watch) takeSet(ctx context.Context, set changeSet) error {
	switch {
	case w.exec != "":
		return w.runUntilDone(ctx, set)
	case w.output == outputJSON:
		text, err := json.Marshal(set)
		if err != nil {
			return err
		}
		return w.print(harmlessJSON(append(text, '\n')))
	case w.output == outputName:
		return w.print([]byte(set.Position + "\n"))
	}
	return w.print([]byte(w.fitting(w.describeSet(set)) + "\n"))
}

// maxInLine is how many changes of a set one line shows.
const maxInLine = 5

// describeSet returns one printable line about a change set. Long values are cut.
func (w *watch) describeSet(set changeSet) string {
	line := fmt.Sprintf("%s  %s  %s ", instant(set.CommittedAt), set.Position, printable(orDash(set.Actor)))
	if n := len(set.Changes); n > 1 {
		line += fmt.Sprintf(" %d changes:", n)
	}
	for i, r := range set.Changes {
		if i == maxInLine {
			line += ", …"
			break
		}
		if i > 0 {
			line += ","
		}
		r.Value, r.OldValue = shortened(r.Value), shortened(r.OldValue)
		line += " " + w.describeChange(r)
	}
	if set.Reason != nil {
		line += "  (" + printable(*set.Reason) + ")"
	}
	return line
}

// shortened returns a value that is cut as lines about changes are. It is printable.
func shortened(value *string) *string {
	if value == nil {
		return nil
	}
	short := cut(printable(*value), valueColumns)
	return &short
}
