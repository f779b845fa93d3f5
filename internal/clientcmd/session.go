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
	"github.com/spf13/pflag"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/restclient"
)

// defaultURL is where a server listens when nothing else is said.
const defaultURL = "http://localhost:4000"

// connection are the flags of a command that says which server it works on.
type connection struct {
	url, ca, output string
	insecure        bool
}

func (c *connection) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&c.url, "url", "", "`URL` of the server, such as https://config.example; also CONFIGAPI_URL; default "+defaultURL)
	flags.StringVar(&c.ca, "ca", "", "`FILE` with the certificates that the server's must be signed by; also CONFIGAPI_CA")
	flags.BoolVar(&c.insecure, "insecure", false, "send the token also over http:// to another machine, where everyone on the way can read it")
	flags.StringVarP(&c.output, "output", "o", outputTable, "form of the output: table, json, yaml or name")
}

// session is what a command that works on a server gets.
type session struct {
	env     Env
	client  *restclient.Client
	target  target
	output  string // one of the constants output…
	printed int    // how many bytes of output there are
}

// target is the server that a command works on, and how.
type target struct {
	url, token string
	ca         []byte // nil: the system's certificates are trusted
	insecure   bool
	// name is that of the context, "" for none.
	name string
	// prefix is put before every name and prefix, "" for none. It has no slash at its end.
	prefix string
	// confirm reports whether a write asks for the name of the context first.
	confirm bool
}

// withSession has a command run with a session, whose flags it gets.
func withSession(env Env, cmd *cobra.Command, run func(ctx context.Context, s *session, args []string) error) *cobra.Command {
	var c connection
	c.addTo(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := c.open(env)
		if err != nil {
			return err
		}
		defer s.client.Close()
		return s.explain(run(cmd.Context(), s, args))
	}
	return cmd
}

func (c *connection) open(env Env) (*session, error) {
	if err := checkOutput(c.output); err != nil {
		return nil, err
	}
	to, err := c.target(env)
	if err != nil {
		return nil, err
	}
	s := &session{env: env, target: to, output: c.output}
	s.client, err = restclient.New(restclient.Options{
		URL: to.url, Token: to.token, CA: to.ca, Insecure: to.insecure, UserAgent: userAgent(),
		Waiting: func(e *restclient.Error) {
			s.note("%v\nlooking what became of it: the same request is sent again with its idempotency key…", e)
		},
	})
	if err != nil {
		return nil, UsageErrorf("%w", err)
	}
	return s, nil
}

// target returns what flags and the environment say.
func (c *connection) target(env Env) (to target, err error) {
	to.url, to.insecure = firstOf(c.url, env.Getenv("CONFIGAPI_URL"), defaultURL), c.insecure
	if to.token, err = ownSecret(env); err != nil {
		return to, err
	}
	if name := firstOf(c.ca, env.Getenv("CONFIGAPI_CA")); name != "" {
		if to.ca, err = readFile(name, maxCABytes); err != nil {
			return to, UsageErrorf("reading the trusted certificates: %w", err)
		}
	}
	return to, nil
}

const (
	maxCABytes    = 1 << 20
	maxTokenBytes = 4 << 10
)

// ownSecret returns the secret of the token that the environment has, "" for none. No flag has one,
// since lists of processes show flags.
func ownSecret(env Env) (string, error) {
	from, text := "CONFIGAPI_TOKEN", strings.TrimSpace(env.Getenv("CONFIGAPI_TOKEN"))
	if name := env.Getenv("CONFIGAPI_TOKEN_FILE"); text == "" && name != "" {
		content, err := readFile(name, maxTokenBytes)
		if err != nil {
			return "", UsageErrorf("reading CONFIGAPI_TOKEN_FILE: %w", err)
		}
		line, _, _ := strings.Cut(string(content), "\n")
		from, text = "the file of CONFIGAPI_TOKEN_FILE", strings.TrimSpace(line)
	}
	if text == "" {
		return "", nil
	}
	if _, err := auth.ParseSecret(text); err != nil {
		return "", UsageErrorf("%s: %w", from, err)
	}
	return text, nil
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
	if s.target.prefix == "" || text == "" {
		return firstOf(text, s.target.prefix)
	}
	return s.target.prefix + "/" + text
}

// shortName returns a name as the command line has it: without the prefix of the context.
func (s *session) shortName(name string) string {
	if s.target.prefix == "" {
		return name
	}
	return strings.TrimPrefix(name, s.target.prefix+"/")
}

// note writes a line for people, which is no part of the output.
func (s *session) note(format string, args ...any) {
	fmt.Fprintf(s.env.Stderr, format+"\n", args...)
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
	failed, is := errors.AsType[*restclient.Error](err)
	return is && failed.Code == code
}
