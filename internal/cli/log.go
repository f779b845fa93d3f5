package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// newLog returns a log that writes lines to standard error, and a function that must be called before the program ends.
func newLog(env Env, format string) (logger *slog.Logger, flush func(), err error) {
	lines := &lineWriter{out: env.Stderr}
	var handler slog.Handler
	switch {
	case format == "text", format == "auto" && isTerminal(env.Stderr):
		handler = slog.NewTextHandler(deleter{lines}, nil) // quotes whatever is not printable, but for DEL
	case format == "json", format == "auto":
		handler = newJSONHandler(lines)
	default:
		return nil, nil, unusable("--log must be text, json or auto")
	}
	return slog.New(promptHandler{handler, lines}), lines.flush, nil
}

// deleter writes lines of text in which it escapes DEL.
type deleter struct{ out io.Writer }

func (d deleter) Write(line []byte) (int, error) {
	if _, err := d.out.Write(bytes.ReplaceAll(line, []byte{0x7f}, []byte(`\x7f`))); err != nil {
		return 0, err
	}
	return len(line), nil
}

// isTerminal reports whether people read along.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const (
	// lineDelay is how long a line may wait for others to be written with it.
	lineDelay = 20 * time.Millisecond
	// lineBytes is how many bytes of lines wait at most.
	lineBytes = 32 << 10
)

// lineWriter writes the lines of a busy moment together: a system call for each would be a good part of what a request costs.
type lineWriter struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte // guarded by mu
}

// Write takes one line.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		time.AfterFunc(lineDelay, w.flush)
	}
	if w.waiting = append(w.waiting, line...); len(w.waiting) >= lineBytes {
		w.flushLocked()
	}
	return len(line), nil
}

// flush writes what waits.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushLocked()
}

func (w *lineWriter) flushLocked() {
	if len(w.waiting) > 0 {
		_, _ = w.out.Write(w.waiting) // there is nobody to tell
		w.waiting = w.waiting[:0]
	}
}

// promptHandler does not let warnings and errors wait: after them the program may not have another moment.
type promptHandler struct {
	slog.Handler
	lines *lineWriter
}

func (h promptHandler) Handle(ctx context.Context, record slog.Record) error {
	err := h.Handler.Handle(ctx, record)
	if record.Level >= slog.LevelWarn {
		h.lines.flush()
	}
	return err
}

func (h promptHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptHandler{h.Handler.WithAttrs(attrs), h.lines}
}

func (h promptHandler) WithGroup(name string) slog.Handler {
	return promptHandler{h.Handler.WithGroup(name), h.lines}
}
