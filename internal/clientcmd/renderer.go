package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"configapi/client"
	"configapi/internal/atomicfile"
	"configapi/internal/configtemplate"
	"configapi/internal/fault"
)

// renderer makes files of templates.
type renderer struct {
	*session
	flags   *renderFlags
	pages   []page
	mode    fs.FileMode // of new files
	execDue bool        // a file was written, and --exec has not ended well since
	noted   string      // the last error of a watch
}

// rendered is what became of a file.
type rendered struct {
	Template string `json:"template"`
	Out      string `json:"out"`
	Position string `json:"position"`
	Written  bool   `json:"written"` // false: it had this content already
}

// once makes the files once.
func (r *renderer) once(ctx context.Context, s *client.Snapshot) error {
	if r.pages[0].out == standardStream {
		texts, err := r.texts(ctx, s)
		if err != nil {
			return err
		}
		return r.print(texts[0])
	}
	done, err := r.render(ctx, s)
	if done == nil {
		return err
	}
	v := view{object: done, table: func(out io.Writer) error {
		for _, d := range done {
			fmt.Fprintln(out, d)
		}
		return nil
	}}
	for _, d := range done {
		if d.Written {
			v.names = append(v.names, d.Out)
		}
	}
	return errors.Join(r.show(v), err)
}

func (d rendered) String() string {
	if d.Written {
		return fmt.Sprintf("%s written, position %s", printable(d.Out), d.Position)
	}
	return fmt.Sprintf("%s is the same, position %s", printable(d.Out), d.Position)
}

// texts executes the templates, all over one set.
func (r *renderer) texts(ctx context.Context, s *client.Snapshot) ([][]byte, error) {
	set := configtemplate.NewSet(s.Position(), valuesOf(s))
	texts := make([][]byte, len(r.pages))
	for i, p := range r.pages {
		var err error
		if texts[i], err = p.template.Execute(ctx, set); err != nil {
			code := fault.ExitInvalid
			if _, missing := errors.AsType[*configtemplate.MissingError](err); missing {
				code = fault.ExitNotFound
			} else if ctx.Err() != nil {
				code = fault.ExitFailed
			}
			return nil, &templateError{ExitError{code, err}}
		}
	}
	return texts, nil
}

// templateError is that of a template, which is the same for the same configs.
type templateError struct{ ExitError }

func (e *templateError) Unwrap() error { return &e.ExitError }

func valuesOf(s *client.Snapshot) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for name, c := range s.All() {
			if !yield(name, c.Value) {
				return
			}
		}
	}
}

// render makes all files of one set: it checks all before it writes one. done says what became of
// the files, nil when none was written; --exec may have failed after it.
func (r *renderer) render(ctx context.Context, s *client.Snapshot) (done []rendered, err error) {
	texts, err := r.texts(ctx, s)
	if err != nil {
		return nil, err
	}
	files := make([]*atomicfile.File, 0, len(r.pages))
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	for i, p := range r.pages {
		f, err := atomicfile.Prepare(p.out, texts[i], r.mode)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", p.out, err)
		}
		files = append(files, f)
	}
	for i, f := range files {
		if f.Same() || r.flags.check == "" {
			continue
		}
		if err := r.runHook(ctx, r.flags.check, s.Position(), f.Temp(), r.pages[i].out); err != nil {
			return nil, &ExitError{fault.ExitInvalid, fmt.Errorf("the check of %s failed, so it stays as it is: %w", r.pages[i].out, err)}
		}
	}
	for i, f := range files {
		r.execDue = r.execDue || !f.Same() // even if Commit fails after the rename
		if err := f.Commit(); err != nil {
			return nil, fmt.Errorf("writing %s: %w", r.pages[i].out, err)
		}
		done = append(done, rendered{r.pages[i].source, r.pages[i].out, s.Position(), !f.Same()})
	}
	if r.execDue && r.flags.exec != "" {
		if err := r.runHook(ctx, r.flags.exec, s.Position()); err != nil {
			return done, fmt.Errorf("--exec failed, after the files were written: %w", err)
		}
	}
	r.execDue = false
	return done, nil
}
