package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Confirm has the user agree to a change in a context that asks for that: by the flag --confirm, of
// which given is the value, or by typing the name of the context on a terminal. about returns what
// is shown before that; it is not called when the flag is given. An error says that nothing was
// written.
func Confirm(ctx context.Context, env Env, name, given string, about func() (string, error)) error {
	if given != "" {
		if given != name {
			return UsageErrorf("--confirm names another context than %s, which the command works on; nothing was written", name)
		}
		return nil
	}
	if _, isTerminal := env.Width(env.Stdin); !isTerminal {
		return UsageErrorf("the context %s asks before it writes, and there is no terminal: give --confirm %s; nothing was written", name, name)
	}
	text, err := about()
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "%sType the name of the context, %s, to make this change: ", text, name)
	answer, err := readLine(&interruptible{ctx, env.Stdin})
	switch {
	case errors.Is(err, errInterrupted):
		return err
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case strings.TrimSpace(answer) != name:
		return UsageErrorf("that is not the name of the context; nothing was written")
	}
	return nil
}

// maxLineBytes is the longest answer of the user.
const maxLineBytes = 4 << 10

// readLine reads a line, of maxLineBytes at most, and nothing behind it: that is for the next
// question.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for next := make([]byte, 1); len(line) < maxLineBytes; {
		n, err := in.Read(next)
		line = append(line, next[:n]...)
		switch {
		case n > 0 && next[0] == '\n', errors.Is(err, io.EOF):
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
	return string(line), nil
}
