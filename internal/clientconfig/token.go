package clientconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"configapi/internal/auth"
)

const (
	// maxTokenBytes is the longest file of a token, and the longest output of a token_command.
	maxTokenBytes = 4 << 10
	// commandTime is how long a token_command may run. A person may have to unlock a store.
	commandTime = time.Minute
)

// environmentToken returns the token that the environment has, "" for none.
func environmentToken(getenv func(string) string) (string, error) {
	if text := strings.TrimSpace(getenv("CONFIGAPI_TOKEN")); text != "" {
		return parseToken("CONFIGAPI_TOKEN", text)
	}
	name := getenv("CONFIGAPI_TOKEN_FILE")
	if name == "" {
		return "", nil
	}
	line, err := firstLine(name, nil)
	if err != nil {
		return "", fmt.Errorf("reading CONFIGAPI_TOKEN_FILE: %w", err)
	}
	if line == "" {
		return "", nil
	}
	return parseToken("the file of CONFIGAPI_TOKEN_FILE", line)
}

func parseToken(from, text string) (string, error) {
	if _, err := auth.ParseSecret(text); err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	return text, nil
}

// firstLine returns the first line of a file. check, unless it is nil, refuses the file.
func firstLine(name string, check func(string, os.FileInfo) error) (string, error) {
	// Opening a pipe would wait for a writer, and a signal would not end that.
	info, err := os.Stat(name)
	if err == nil && check != nil {
		err = check(name, info)
	}
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("%s is a folder", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := readAll(file, name, maxTokenBytes)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), nil
}

// hasToken reports whether the context says where its token is.
func (c Context) hasToken() bool { return c.TokenFile != "" || len(c.TokenCommand) > 0 }

// token returns the token of a context, "" if it has none. folder is that of the file of contexts:
// names of files are relative to it.
func (c Context) token(ctx context.Context, name, folder, home string, stderr io.Writer) (string, error) {
	switch {
	case c.TokenFile != "":
		line, err := firstLine(resolved(c.TokenFile, folder, home), checkSecret)
		if err != nil {
			return "", fmt.Errorf("context %s: token_file: %w", name, err)
		}
		return parseToken("context "+name+": token_file", line)
	case len(c.TokenCommand) > 0:
		line, err := run(ctx, c.TokenCommand, stderr)
		if err != nil {
			return "", fmt.Errorf("context %s: token_command: %w", name, err)
		}
		return parseToken("context "+name+": token_command", line)
	}
	return "", nil
}

// run runs a program, and returns the first line that it prints. What it says on standard error is
// for the user; it gets no input, which may be that of the command itself.
func run(ctx context.Context, words []string, stderr io.Writer) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var out limited
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, stderr, time.Second
	err := cmd.Run()
	switch {
	case out.full:
		return "", fmt.Errorf("%s prints more than %d bytes", words[0], maxTokenBytes)
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("%s does not end within %v", words[0], commandTime)
	case err != nil:
		return "", fmt.Errorf("running %s: %w", words[0], err)
	}
	line, _, _ := strings.Cut(out.text.String(), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s prints no token", words[0])
	}
	return line, nil
}

// limited keeps the beginning of what is written to it.
type limited struct {
	text bytes.Buffer
	full bool // more was written
}

func (l *limited) Write(part []byte) (int, error) {
	if l.text.Len()+len(part) > maxTokenBytes {
		l.full = true
		return 0, io.ErrShortWrite // ends the program at its next write
	}
	return l.text.Write(part)
}

// resolved returns the path of a file that a context names.
func resolved(name, folder, home string) string {
	if rest, is := strings.CutPrefix(name, "~/"); is && home != "" {
		return filepath.Join(home, rest)
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(folder, name)
}
