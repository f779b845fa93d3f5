package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"configapi/internal/config"
)

// File is the user's file of contexts.
type File struct {
	// Current is the name of the context that is used when none is named. "": none.
	Current string `yaml:"current,omitempty"`
	// Contexts are the contexts by their names.
	Contexts map[string]Context `yaml:"contexts,omitempty"`

	path string    // "": there is no place for a file
	read yaml.Node // the file as it was read, for its comments
}

// Context is a server, and how it is used.
type Context struct {
	// URL is the address of the server.
	URL string `yaml:"url"`
	// TokenFile is the file that has the token on its first line. "": none.
	TokenFile string `yaml:"token_file,omitempty"`
	// TokenCommand is a program with its arguments that prints the token. It runs without a shell.
	TokenCommand []string `yaml:"token_command,omitempty,flow"`
	// CA is a file of certificates in PEM that alone are trusted. "": those of the system are.
	CA string `yaml:"ca,omitempty"`
	// Prefix is put before every name, "" for none. It has no slash at its ends.
	Prefix string `yaml:"prefix,omitempty"`
	// Confirm reports whether a write asks for the name of the context first.
	Confirm bool `yaml:"confirm,omitempty"`
}

// maxFileBytes is the longest file of contexts.
const maxFileBytes = 1 << 20

// Path returns where the file of contexts is, and whether the environment names the file itself.
// The path is "" when there is no folder for it.
func Path(getenv func(string) string) (path string, named bool) {
	if path := getenv("CONFIGAPI_CONFIG"); path != "" {
		return path, true
	}
	folder := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); !filepath.IsAbs(folder) && home != "" {
		folder = filepath.Join(home, ".config")
	}
	if data := getenv("AppData"); folder == "" {
		folder = data // Windows
	}
	if folder == "" {
		return "", false
	}
	return filepath.Join(folder, "configapi", "config.yaml"), false
}

// Read reads the file of contexts. One that is not there is empty, unless CONFIGAPI_CONFIG names it
// and it must exist.
func Read(getenv func(string) string, mustExist bool) (*File, error) {
	path, named := Path(getenv)
	f := &File{path: path, Contexts: map[string]Context{}}
	if path == "" {
		return f, nil
	}
	text, err := readOwn(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !(named && mustExist):
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("the file of contexts: %w", err)
	}
	if err := f.parse(text); err != nil {
		return nil, fmt.Errorf("the file of contexts %s: %w", path, lineOf(err))
	}
	if f.Contexts == nil {
		f.Contexts = map[string]Context{}
	}
	for _, name := range f.Names() {
		if err := f.Contexts[name].check(name); err != nil {
			return nil, fmt.Errorf("the file of contexts %s: %w", path, err)
		}
	}
	return f, nil
}

// parse reads YAML. An empty text is an empty file.
func (f *File) parse(text []byte) error {
	if err := yaml.Unmarshal(text, &f.read); err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// lineOf returns the first error of YAML as a line and a sentence.
func lineOf(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if wrong, is := errors.AsType[*yaml.TypeError](err); is {
		text = wrong.Errors[0]
	}
	line, what, has := strings.Cut(text, ": ")
	if !has {
		return errors.New(text)
	}
	if member, is := strings.CutPrefix(what, "field "); is {
		if member, _, is = strings.Cut(member, " not found in type"); is {
			what = fmt.Sprintf("there is no member %q", member)
		}
	}
	return fmt.Errorf("%s: %s", line, what)
}

// readOwn reads a file that belongs to the user, and that nobody else may write to.
func readOwn(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path) // opening a pipe would wait
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat() // of what was opened: the path may be another file by now
	if err != nil {
		return nil, err
	}
	if err := checkOwn(path, info); err != nil {
		return nil, err
	}
	if err := checkFolders(path); err != nil {
		return nil, err
	}
	return readAll(file, path, maxFileBytes)
}

// checkFolders checks the folder of a file, and that of the file that it is a link to: who may
// write to one may replace the file.
func checkFolders(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, folder := range []string{filepath.Dir(path), filepath.Dir(target)} {
		info, err := os.Stat(folder)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSticky != 0 {
			continue // others cannot replace what is not theirs
		}
		if err := checkOwn(folder, info); err != nil {
			return err
		}
	}
	return nil
}

func readAll(in io.Reader, name string, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return text, err
}

// Names returns the names of the contexts, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// Context returns the context of a name.
func (f *File) Context(name string) (Context, error) {
	c, is := f.Contexts[name]
	switch {
	case is:
		return c, nil
	case len(f.Contexts) == 0:
		return c, fmt.Errorf("there is no context %q, since there is none at all: `configapi context set NAME --url URL` makes one", name)
	}
	return c, fmt.Errorf("there is no context %q, but %s", name, strings.Join(f.Names(), ", "))
}

// Set puts a context in place of the one of its name, if any.
func (f *File) Set(name string, c Context) error {
	if err := c.check(name); err != nil {
		return err
	}
	f.Contexts[name] = c
	return nil
}

// check reports what is wrong with a context.
func (c Context) check(name string) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("context %s: "+format, append([]any{name}, args...)...)
	}
	if !isName(name) {
		return errors.New("the name of a context has 1 to 64 letters, digits, dots, underscores and hyphens")
	}
	if _, err := originOf(c.URL); err != nil {
		return wrong("url: %w", err)
	}
	if c.TokenFile != "" && len(c.TokenCommand) > 0 {
		return wrong("give either token_file or token_command")
	}
	if len(c.TokenCommand) > 0 && c.TokenCommand[0] == "" {
		return wrong("token_command begins with the name of a program")
	}
	if c.Prefix != "" {
		if _, err := config.ParseName(c.Prefix); err != nil {
			return wrong("prefix: %w", err)
		}
	}
	return nil
}

func isName(name string) bool {
	const most = 64
	isOther := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
	}
	return name != "" && len(name) <= most && !strings.ContainsFunc(name, isOther)
}

// originOf returns the scheme, the host and the port of a URL, which say to whom a token goes.
func originOf(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", errors.New("write a URL such as https://config.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("write a URL without a user, a query and a fragment")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port, nil
}
