package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/fault"
)

func newEdit(env Env) *cobra.Command {
	f := writeFlags{secret: true}
	cmd := &cobra.Command{
		Use:     "edit NAME | PREFIX",
		Short:   "change in an editor",
		GroupID: GroupWrite,
		Args:    words(1, 1),
		Long: `Opens the value of NAME in the editor that VISUAL or EDITOR names, else vi,
and writes what it became. When there is no config NAME, or the word ends with
/, the configs at and below PREFIX are edited as lines of YAML: a line that is
changed, added or removed sets, creates or deletes a config, all as one change
set. A file without a change, or without a config, writes nothing.

What others have changed meanwhile is merged, by config and by line. Where
both changed the same line, the editor opens again with both, between marks;
what is still marked then is not written.

The file is in a folder of its own that only you may read, and that is removed
at the end, also when the command is interrupted. A line feed that the editor
puts at the end of a value is left out when the value had none.`,
		Example: `  configapi edit payments/limits.json -m "a limit for the new bank"
  EDITOR='code --wait' configapi edit payments/`,
	}
	f.addTo(cmd.Flags())
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a terminal that is closed
		defer stop()
		e, err := s.newEdit(ctx, args[0])
		if err != nil {
			return err
		}
		e.flags = f
		temp, err := newEditorFile(env, e.fileName())
		if err != nil {
			return err
		}
		defer temp.remove()
		return e.run(ctx, temp)
	})
}

// edit is an editing of configs.
type edit struct {
	*session
	flags writeFlags
	form  editForm
	// base are the configs as they were at the position at, when they were last read. Nobody else
	// may have changed them since, or the write is rejected.
	base map[string]string
	at   string
}

// newEdit reads what is to be edited.
func (s *session) newEdit(ctx context.Context, arg string) (*edit, error) {
	whole, err := s.fullName(strings.TrimSuffix(arg, "/"))
	if err != nil {
		return nil, err
	}
	e := &edit{session: s}
	if !strings.HasSuffix(arg, "/") {
		found, at, err := s.client.Config(ctx, whole, "")
		switch {
		case err == nil:
			e.form = &valueForm{name: whole, addsLineFeed: !strings.HasSuffix(*found.Value, "\n")}
			e.base, e.at = map[string]string{whole: *found.Value}, at
			return e, nil
		case !isCode(err, fault.NotFound.Code()) && !isCode(err, fault.Deleted.Code()):
			return nil, err
		}
	}
	e.form = &listForm{session: s, prefix: whole}
	if e.base, e.at, err = e.read(ctx); err != nil {
		return nil, err
	}
	if len(e.base) == 0 {
		return nil, s.noneBelow(whole)
	}
	return e, nil
}

func (e *edit) fileName() string {
	if _, is := e.form.(*valueForm); is {
		return "value.txt"
	}
	return "configs.yaml"
}

// read returns the configs that are edited as they are now, and the position that this is of.
func (e *edit) read(ctx context.Context) (now map[string]string, at string, err error) {
	now = make(map[string]string)
	at, err = e.client.Configs(ctx, rest.List{Prefix: e.form.within()}, func(c rest.Config) error {
		if e.form.has(c.Name) {
			now[c.Name] = *c.Value
		}
		return nil
	})
	return now, at, err
}

// run has the user edit until the changes are written, or there are none, or the user gives up.
func (e *edit) run(ctx context.Context, file *editorFile) error {
	text, err := e.form.write(e.base)
	if err != nil {
		return err
	}
	ours, err := e.ask(ctx, file, text, "")
	for err == nil {
		if ours == nil || maps.Equal(ours, e.base) {
			e.note("nothing was changed, and nothing was written")
			return nil
		}
		switch err = e.write(ctx, ours); {
		case err == nil:
			return nil
		case e.lostRace(err):
			ours, err = e.merge(ctx, file, ours, err)
		case !e.wantsAgain(ctx, err):
			return err
		default:
			if text, err = e.form.write(ours); err == nil {
				ours, err = e.ask(ctx, file, text, "")
			}
		}
	}
	return err
}

// wantsAgain asks whether the editor is to open again with changes that could not be written, so
// that nobody loses them. Without a terminal, nobody does.
func (e *edit) wantsAgain(ctx context.Context, err error) bool {
	if _, isTerminal := e.env.Width(e.env.Stdin); !isTerminal || ctx.Err() != nil || errors.Is(err, errInterrupted) {
		return false
	}
	fmt.Fprintf(e.env.Stderr, "%v\nOpen the editor again, with your changes? [y/N] ", e.explain(ctx, err))
	answer, err := readLine(e.env.Stdin)
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "y" || answer == "yes")
}

// conflicts are the codes of a write that was rejected since others have written.
var conflicts = []string{fault.Stale.Code(), fault.Deleted.Code(), fault.NotFound.Code(), fault.NotDeleted.Code()}

// lostRace reports whether a write was rejected since others have changed the same configs.
func (e *edit) lostRace(err error) bool {
	failed, is := errors.AsType[*rest.Error](err)
	return is && failed.Outcome == rest.Refused && slices.Contains(conflicts, failed.Code)
}

// write writes what differs from base.
func (e *edit) write(ctx context.Context, ours map[string]string) error {
	set := rest.ChangeSet{AsSeenAt: e.at}
	deleted := map[string]bool{}
	for name := range ours {
		if _, existed := e.base[name]; !existed { // it may be a deleted one
			var err error
			if deleted, err = e.deletedBelow(ctx, e.form.within()); err != nil {
				return err
			}
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if was, existed := e.base[name]; !existed || was != ours[name] {
			set.Changes = append(set.Changes, setOrRestore(name, ours[name], deleted[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.base)) {
		if _, exists := ours[name]; !exists {
			set.Changes = append(set.Changes, rest.Change{Delete: &rest.Delete{Name: name}})
		}
	}
	if n := len(set.Changes); n > maxChanges {
		return &ExitError{fault.ExitInvalid, fmt.Errorf("nothing was written: there are %d changes, and one set takes %d; edit a part at a time", n, maxChanges)}
	}
	return e.apply(ctx, e.flags, set)
}

// merge merges ours with what others have made of base, and has the user resolve what both have
// changed. rejected is why the write was refused.
func (e *edit) merge(ctx context.Context, file *editorFile, ours map[string]string, rejected error) (map[string]string, error) {
	theirs, at, err := e.read(ctx)
	if err != nil {
		return nil, err
	}
	if maps.Equal(theirs, e.base) && at == e.at {
		return nil, rejected // nothing has changed, so it would be rejected again
	}
	m := mergeConfigs(e.base, ours, theirs)
	e.base, e.at = theirs, at
	if len(m.conflicts) == 0 {
		e.note("others have changed these configs meanwhile; both changes are merged")
		return m.merged, nil
	}
	text, err := m.marked(e.form)
	if err != nil {
		return nil, err
	}
	e.note("others have changed %s meanwhile: both versions are in the editor", count(len(m.conflicts), "config"))
	return e.ask(ctx, file, text, theirMark)
}

// ask opens the editor with a text until what the user makes of it can be read, and has no marks of
// a conflict, if it began with some. It returns nil when the user has removed everything.
func (e *edit) ask(ctx context.Context, file *editorFile, text, mark string) (map[string]string, error) {
	begun := text
	for {
		edited, err := file.edit(ctx, text)
		if err != nil {
			return nil, err
		}
		var ours map[string]string
		wrong := error(nil)
		if mark != "" && hasMarks(edited) {
			wrong = &ExitError{fault.ExitConflict, errors.New("there are still marks of a conflict, <<<<<<< and >>>>>>>")}
		} else {
			ours, wrong = e.form.read(edited)
		}
		if wrong == nil {
			return ours, nil
		}
		if edited == text && text != begun || mark != "" && edited == begun {
			return nil, fmt.Errorf("nothing was written: %w", wrong)
		}
		e.note("%s; the editor opens again, and without a change there nothing is written", strings.TrimSuffix(harmless(wrong.Error()), "\n"))
		text = edited
	}
}
