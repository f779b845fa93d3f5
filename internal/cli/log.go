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

// newLog returns a log that writes to standard error, and a function that writes buffered lines,
// which the caller must call before the program ends.
func newLog(env Env, format string) (logger *slog.Logger, flush func(), err error) {
	lines := &lineWriter{out: env.Stderr}
	var handler slog.Handler
	switch {
	case format == "text", format == "auto" && isTerminal(env.Stderr):
		// escapes everything that is not printable, except DEL
		handler = slog.NewTextHandler(delEscaper{lines}, nil)
	case format == "json", format == "auto":
		handler = newJSONHandler(lines)
	default:
		return nil, nil, startErrorf("--log must be text, json or auto")
	}
	return slog.New(flushingHandler{handler, lines}), lines.flush, nil
}

// delEscaper escapes DEL in lines of text.
type delEscaper struct{ out io.Writer }

func (d delEscaper) Write(line []byte) (int, error) {
	if _, err := d.out.Write(bytes.ReplaceAll(line, []byte{0x7f}, []byte(`\x7f`))); err != nil {
		return 0, err
	}
	return len(line), nil
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const (
	// lineDelay is how long a line may stay in the buffer.
	lineDelay = 20 * time.Millisecond
	// lineBytes is the size at which the buffer is written.
	lineBytes = 32 << 10
)

// lineWriter writes lines in batches, since a system call per line is a good part of what a short
// request costs: see BenchmarkLineWriter.
type lineWriter struct {
	out io.Writer

	mu     sync.Mutex
	buffer []byte // guarded by mu
}

// Write buffers one line.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buffer) == 0 {
		time.AfterFunc(lineDelay, w.flush)
	}
	if w.buffer = append(w.buffer, line...); len(w.buffer) >= lineBytes {
		w.flushLocked()
	}
	return len(line), nil
}

// flush writes the buffer.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushLocked()
}

func (w *lineWriter) flushLocked() {
	if len(w.buffer) > 0 {
		_, _ = w.out.Write(w.buffer) // an error of the log cannot be logged
		w.buffer = w.buffer[:0]
	}
}

// flushingHandler writes warnings and errors at once: the program may end right after them.
type flushingHandler struct {
	slog.Handler
	lines *lineWriter
}

func (h flushingHandler) Handle(ctx context.Context, record slog.Record) error {
	err := h.Handler.Handle(ctx, record)
	if record.Level >= slog.LevelWarn {
		h.lines.flush()
	}
	return err
}

func (h flushingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return flushingHandler{h.Handler.WithAttrs(attrs), h.lines}
}

func (h flushingHandler) WithGroup(name string) slog.Handler {
	return flushingHandler{h.Handler.WithGroup(name), h.lines}
}
