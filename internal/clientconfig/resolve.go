package clientconfig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"configapi/internal/setting"
)

// defaultURL is where a server listens when nothing else is said.
const defaultURL = "http://localhost:4000"

// maxCABytes is the longest file of certificates.
const maxCABytes = 1 << 20

// Flags are what the command line says about the server.
type Flags struct {
	Context, URL, CA string // "": not given
	Insecure         bool
}

// Settings declares the flags, with their variables and their members of a context.
func (f *Flags) Settings() []setting.Setting {
	return []setting.Setting{
		{Flag: "context", Variables: []string{"CONFIGAPI_CONTEXT"}, Own: true, Common: true, Value: setting.String(&f.Context, ""),
			Meaning: "`NAME` of the context whose server is meant: see `configapi context -h`"},
		{Flag: "url", Variables: []string{"CONFIGAPI_URL"}, Own: true, Common: true, Member: "url", Value: setting.String(&f.URL, ""),
			Meaning: "`URL` of the server, whose token is in CONFIGAPI_TOKEN or in the file CONFIGAPI_TOKEN_FILE; without it and a context, " + defaultURL},
		{Flag: "ca", Variables: []string{"CONFIGAPI_CA"}, Own: true, Common: true, Member: "ca", Value: setting.String(&f.CA, ""),
			Meaning: "`FILE` of certificates in PEM that alone are trusted, in place of the system's"},
		{Flag: "insecure", Variables: []string{"CONFIGAPI_INSECURE"}, Common: true, Value: setting.Switch(&f.Insecure),
			Meaning: "send the token also over http:// to another machine, where everyone on the way can read it"},
	}
}

// Environment is what of the process decides about the server.
type Environment struct {
	Getenv func(key string) string
	Stderr io.Writer // of a token_command
}

// Target is the server that a command works on, and how.
type Target struct {
	URL      string
	Token    string // the secret of the token to send, "" for none
	CA       []byte // certificates in PEM that alone are trusted; nil: those of the system are
	Insecure bool
	// Context is the name of the context, "" for none.
	Context string
	// Prefix is put before every name, "" for none. It has no slash at its ends.
	Prefix string
	// Confirm reports whether a write asks for the name of the context first.
	Confirm bool
	// Unsent says why a token that the user has was not sent, as a sentence without an end. "":
	// none was left out. It explains why a server refuses the caller.
	Unsent string
}

// Resolve returns the server that flags, the environment or the file of contexts name.
func (f Flags) Resolve(ctx context.Context, env Environment) (Target, error) {
	file, err := Read(env.Getenv, true)
	if err != nil {
		return Target{}, err
	}
	to := Target{Insecure: f.Insecure}
	c, err := f.choose(&to, env, file)
	if err != nil {
		return Target{}, err
	}
	if err := f.token(ctx, env, file, &to, c); err != nil {
		return Target{}, err
	}
	to.CA, err = f.certificates(env, file, c)
	return to, err
}

// choose sets the URL of the target, and the context if it is one of that server. It returns the
// context that flags, the environment or the file select, also if it is of another server.
func (f Flags) choose(to *Target, env Environment, file *File) (c selected, err error) {
	fromURL := cmp.Or(f.URL, env.Getenv("CONFIGAPI_URL"))
	switch {
	case f.Context != "" && f.URL != "":
		return c, errors.New("give either --url or --context")
	case f.Context != "":
		c.name, fromURL = f.Context, ""
	default:
		c.name = cmp.Or(env.Getenv("CONFIGAPI_CONTEXT"), file.Current)
	}
	if c.name != "" {
		if c.Context, err = file.Context(c.name); err != nil {
			return c, err
		}
	}
	to.URL = cmp.Or(fromURL, c.URL, defaultURL)
	origin, err := originOf(to.URL)
	if err != nil {
		return c, fmt.Errorf("the address of the server: %w", err)
	}
	if c.name == "" {
		return c, nil
	}
	own, _ := originOf(c.URL) // was checked when the file was read
	if c.applies = own == origin; c.applies {
		to.Context, to.Prefix, to.Confirm = c.name, c.Prefix, c.Confirm
	} else if c.hasToken() {
		to.Unsent = fmt.Sprintf("the token of the context %s is for %s, and was not sent to %s", c.name, own, origin)
	}
	return c, nil
}

// selected is a context that flags, the environment or the file select.
type selected struct {
	Context
	name    string
	applies bool // whether the server is that of the context
}

// token sets the token of the target.
func (f Flags) token(ctx context.Context, env Environment, file *File, to *Target, c selected) error {
	if env.Getenv("CONFIGAPI_TOKEN") != "" || env.Getenv("CONFIGAPI_TOKEN_FILE") != "" {
		origin, _ := originOf(to.URL) // was checked by choose
		its, names := environmentOrigin(env, file)
		switch {
		case names && its != origin:
			to.Unsent = fmt.Sprintf("the token of the environment is for %s, and was not sent to %s", its, origin)
		case names, !c.applies, !c.hasToken():
			secret, err := environmentToken(env.Getenv)
			if err != nil || secret != "" {
				to.Token, to.Unsent = secret, ""
				return err
			}
		}
	}
	if !c.applies {
		return nil
	}
	secret, err := c.token(ctx, c.name, file.folder(), env.Getenv("HOME"), env.Stderr)
	if secret != "" {
		to.Token, to.Unsent = secret, ""
	}
	return err
}

// environmentOrigin returns the origin of the server that the environment names, whether it is used
// or not, and whether it names one.
func environmentOrigin(env Environment, file *File) (origin string, names bool) {
	url := env.Getenv("CONFIGAPI_URL")
	if name := env.Getenv("CONFIGAPI_CONTEXT"); url == "" && name != "" {
		url, names = file.Contexts[name].URL, true
	}
	if url == "" {
		return "another server", names
	}
	origin, err := originOf(url)
	if err != nil {
		return "another server", true
	}
	return origin, true
}

// certificates returns the certificates that alone are trusted, nil for those of the system.
func (f Flags) certificates(env Environment, file *File, c selected) ([]byte, error) {
	from, name := "--ca", f.CA
	if name == "" {
		from, name = "CONFIGAPI_CA", env.Getenv("CONFIGAPI_CA")
	}
	if name == "" && c.applies && c.CA != "" {
		from, name = "context "+c.name+": ca", resolved(c.CA, file.folder(), env.Getenv("HOME"))
	}
	if name == "" {
		return nil, nil
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	defer in.Close()
	text, err := readAll(in, name, maxCABytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return text, nil
}

func (f *File) folder() string { return filepath.Dir(f.path) }
