package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// editorFile is a file for an editor, in a folder of its own that only the user may read: editors
// write copies beside the file.
type editorFile struct {
	env    Env
	folder string
	path   string
}

// newEditorFile makes the folder, in the user's own folder of the session if there is one, which is
// in memory. The caller must call remove.
func newEditorFile(env Env, name string) (*editorFile, error) {
	parent := env.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(parent); parent == "" || err != nil || !info.IsDir() {
		parent = ""
	}
	folder, err := os.MkdirTemp(parent, "configapi-edit-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the editor: %w", err)
	}
	return &editorFile{env, folder, filepath.Join(folder, name)}, nil
}

func (f *editorFile) remove() {
	if err := os.RemoveAll(f.folder); err != nil {
		fmt.Fprintf(f.env.Stderr, "%s could not be removed: %v\n", f.folder, err)
	}
}

// edit has the user edit a text, and returns what it became. An editor that fails is an error: the
// user may have given up so.
func (f *editorFile) edit(ctx context.Context, text string) (string, error) {
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("writing the file for the editor: %w", err)
	}
	editor := firstOf(f.env.Getenv("VISUAL"), f.env.Getenv("EDITOR"), "vi")
	run := exec.CommandContext(ctx, "sh", "-c", editor+` "$@"`, editor, f.path) // an editor may have flags
	run.Stdin, run.Stdout, run.Stderr = f.env.Stdin, f.env.Stdout, f.env.Stderr
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) }
	run.WaitDelay = endTime
	// ^C is a key of many editors, and the terminal sends it to this process, too.
	if f.env.HoldInterrupts != nil {
		defer f.env.HoldInterrupts()()
	}
	switch err := run.Run(); {
	case ctx.Err() != nil:
		return "", errors.New("interrupted; nothing was written")
	case err != nil:
		return "", fmt.Errorf("nothing was written: the editor, of VISUAL or EDITOR, failed: %w", err)
	}
	edited, err := readFile(f.path, maxValueBytes)
	if errors.Is(err, os.ErrNotExist) {
		err = errors.New("the editor has removed it")
	}
	if err != nil {
		return "", fmt.Errorf("nothing was written: reading the edited file: %w", err)
	}
	return string(edited), nil
}
