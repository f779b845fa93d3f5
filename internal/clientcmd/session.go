package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/clientconfig"
	"configapi/internal/config"
	"configapi/internal/setting"
)

// connection are the flags of a command that works on a server.
type connection struct {
	clientconfig.Flags
	output string
}

func (c *connection) settings() []setting.Setting {
	return append(c.Settings(), setting.Setting{
		Flag: "output", Short: "o", Common: true, Value: setting.String(&c.output, outputTable),
		Meaning: "`FORM` of the output: table, json, yaml or name",
	})
}

// CommonSettings declares the flags that commands over the API have in common.
func CommonSettings() []setting.Setting { return new(connection).settings() }

// register adds the flags to a command.
func (c *connection) register(env Env, cmd *cobra.Command) {
	setting.Register(cmd.Flags(), c.settings()...)
	completeContexts(env, cmd)
}

// session is what a command that works on a server gets.
type session struct {
	env    Env
	client *rest.Client
	target clientconfig.Target
	output string // one of the constants output…
}

// withSession has a command run with a session, whose flags it gets.
func withSession(env Env, cmd *cobra.Command, run func(ctx context.Context, s *session, args []string) error) *cobra.Command {
	var c connection
	c.register(env, cmd)
	c.completeNames(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := c.open(cmd.Context(), env)
		if err != nil {
			return err
		}
		defer s.client.Close()
		return s.explain(cmd.Context(), run(cmd.Context(), s, args))
	}
	return cmd
}

// open returns a session with the server that the flags, the environment and the file of contexts
// name. The caller must close its client.
func (c *connection) open(ctx context.Context, env Env) (*session, error) {
	if err := checkOutput(c.output); err != nil {
		return nil, err
	}
	to, err := c.Resolve(ctx, clientconfig.Environment{Getenv: env.Getenv, Stderr: env.Stderr})
	if err != nil {
		return nil, UsageErrorf("%w", err)
	}
	env.Stdin = &interruptible{ctx, env.Stdin}
	s := &session{env: env, target: to, output: c.output}
	s.client, err = rest.New(rest.Options{
		URL: to.URL, Token: to.Token, CA: to.CA, Insecure: to.Insecure, UserAgent: userAgent(),
		Waiting: func(e *rest.Error) {
			s.note("%v\nlooking what became of it: the same request is sent again with its idempotency key…", e)
		},
	})
	if err != nil {
		return nil, UsageErrorf("%w", Advised(err))
	}
	return s, nil
}

// readFile reads a file, which must not be longer than most bytes.
func readFile(name string, most int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(file, most)
}

func readAll(in io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("there are more than %d bytes", most)
	}
	return text, err
}

// fullName returns the whole name of a config that the command line names.
func (s *session) fullName(text string) (string, error) {
	name, err := config.ParseName(s.fullPrefix(text))
	if err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	return name.String(), nil
}

// fullPrefix returns the whole prefix that the command line names, "" for the top.
func (s *session) fullPrefix(text string) string {
	if s.target.Prefix == "" || text == "" {
		return firstOf(text, s.target.Prefix)
	}
	return s.target.Prefix + "/" + text
}

// shortName returns a name as the command line has it: without the prefix of the context.
func (s *session) shortName(name string) string {
	if s.target.Prefix == "" {
		return name
	}
	return strings.TrimPrefix(name, s.target.Prefix+"/")
}

// note writes a line for people, which is no part of the output. What a server has said in it
// cannot drive the terminal.
func (s *session) note(format string, args ...any) {
	fmt.Fprint(s.env.Stderr, harmless(fmt.Sprintf(format, args...)))
}

// userAgent is the name of the program and its version.
func userAgent() string {
	version := "unknown"
	if build, ok := debug.ReadBuildInfo(); ok {
		version = firstOf(build.Main.Version, version)
	}
	return "configapi/" + version
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// isCode reports whether an error is one of the server with a code.
func isCode(err error, code string) bool {
	failed, is := errors.AsType[*rest.Error](err)
	return is && failed.Code == code
}
