package clientcmd

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Env is what a command gets from its process.
type Env struct {
	Args   []string // without the name of the program
	Getenv func(key string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Now returns the present time. Nil: time.Now.
	Now func() time.Time
	// Terminal returns the width of a stream in columns, and whether it is a terminal. Nil: the
	// operating system is asked.
	Terminal func(stream any) (width int, is bool)
	// HoldInterrupts has SIGINT do nothing until release is called, for as long as another program
	// has the terminal. Nil: nothing is held.
	HoldInterrupts func() (release func())
}

// Time returns the present time.
func (e Env) Time() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

// Width returns the width of a stream, which is one of the three of e, in columns, and whether it
// is a terminal. The width is 80 where it is not known.
func (e Env) Width(stream any) (width int, isTerminal bool) {
	const usual = 80
	if in, is := stream.(*interruptible); is {
		stream = in.inner
	}
	if e.Terminal != nil {
		width, isTerminal = e.Terminal(stream)
	} else if file, is := stream.(*os.File); is && term.IsTerminal(int(file.Fd())) {
		isTerminal = true
		width, _, _ = term.GetSize(int(file.Fd())) // 0 on an error
	}
	if width <= 0 {
		width = usual
	}
	return width, isTerminal
}
