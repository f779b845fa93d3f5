package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"configapi/client/rest"
)

// Bounds of [Options].
const (
	// MaxLayers is how many prefixes [Options.Layers] may have.
	MaxLayers = 10

	usualMaxBytes    = 256 << 20
	usualOpenTimeout = 5 * time.Second
	maxTokenBytes    = 4096
)

// Options says which configs a [Client] keeps, and where. URL must be set.
type Options struct {
	// URL is the address of the server, such as https://config.example. It may have a path.
	URL string

	// At most one of these may be set: the secret of the token, the file that has it, or a function
	// that returns it. None: no token is sent. TokenFile is read again every 30 s, and both
	// TokenFile and TokenFunc are asked again when the server has refused the token, so that a
	// rotated token needs no restart.
	Token     string
	TokenFile string
	TokenFunc func(context.Context) (string, error)

	// CA has certificates in PEM. They alone are trusted to sign that of the server. nil: those of
	// the system are.
	CA []byte
	// Insecure allows a token over http:// to another machine.
	Insecure bool
	// Dial makes connections. nil: they are made over TCP, to the host of URL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// UserAgent names the program. "": configapi-go.
	UserAgent string

	// Prefix selects the configs at and below it, in whole segments. "": all that the token may
	// read. Names are whole names.
	Prefix string
	// Layers are several prefixes, of which a later one replaces what an earlier one has. Names are
	// what follows the prefix: with the layers base and prod, base/timeout and prod/timeout are
	// both timeout, and the value is that of prod/timeout if there is one. Not with Prefix.
	Layers []string

	// File is where the configs are kept for the next start, in clear. Its folder must exist. "":
	// they are not kept.
	File string
	// MaxStale is how long before Open the configs of File must have been current. 0: any time.
	MaxStale time.Duration

	// OpenTimeout is how long Open waits for the server before it uses File, or fails without one.
	// 0: 5 s.
	OpenTimeout time.Duration
	// MaxBytes is how many bytes names and values may have together. More are refused, and what
	// was read before stays. 0: 256 MiB.
	MaxBytes int64

	// OnError is called, one call at a time, with what went wrong and is not the result of a call:
	// a server that cannot be reached, a value that cannot be parsed, a file that cannot be
	// written. No error has a value or a token in it. nil: errors are logged with log/slog.
	OnError func(error)
}

// prefixes returns the prefixes of the layers, from the one that is replaced to the one that
// replaces.
func (o *Options) prefixes() []string {
	if len(o.Layers) == 0 {
		return []string{strings.TrimSuffix(o.Prefix, "/")}
	}
	prefixes := slices.Clone(o.Layers)
	for i := range prefixes {
		prefixes[i] = strings.TrimSuffix(prefixes[i], "/")
	}
	return prefixes
}

// check returns an error about options that cannot be used, and sets what was left out.
func (o *Options) check() error {
	tokens := 0
	for _, given := range []bool{o.Token != "", o.TokenFile != "", o.TokenFunc != nil} {
		if given {
			tokens++
		}
	}
	switch {
	case tokens > 1:
		return errors.New("give one of Token, TokenFile and TokenFunc")
	case o.Prefix != "" && len(o.Layers) > 0:
		return errors.New("give Prefix or Layers, not both")
	case len(o.Layers) > MaxLayers:
		return fmt.Errorf("there are %d layers; at most %d are allowed", len(o.Layers), MaxLayers)
	case o.MaxStale < 0 || o.OpenTimeout < 0 || o.MaxBytes < 0:
		return errors.New("MaxStale, OpenTimeout and MaxBytes must not be negative")
	}
	seen := map[string]bool{} // :: prefix → it is a layer
	for _, prefix := range o.prefixes() {
		switch {
		case !utf8.ValidString(prefix):
			return errors.New("a prefix must be UTF-8")
		case prefix == "" && len(o.Layers) > 0:
			return errors.New("a layer must have a prefix")
		case seen[prefix]:
			return fmt.Errorf("the layer %q is given twice", prefix)
		}
		seen[prefix] = true
	}
	if o.File != "" {
		path, err := filepath.Abs(o.File) // the program may change its folder
		if err != nil {
			return fmt.Errorf("the file of configs: %w", err)
		}
		o.File = path
	}
	if o.UserAgent == "" {
		o.UserAgent = "configapi-go"
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = usualMaxBytes
	}
	if o.OpenTimeout == 0 {
		o.OpenTimeout = usualOpenTimeout
	}
	return nil
}

// token asks for the token. The error names no secret.
func (o *Options) token(ctx context.Context) (string, error) {
	var text string
	var err error
	switch {
	case o.TokenFile != "":
		text, err = readToken(o.TokenFile)
	case o.TokenFunc != nil:
		text, err = o.TokenFunc(ctx)
	default:
		return o.Token, nil
	}
	text = strings.TrimSpace(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("getting the token: %w", err)
	case text == "":
		return "", errors.New("getting the token: it is empty")
	case len(text) > maxTokenBytes || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("getting the token: what was found is no token")
	}
	return text, nil
}

// readToken reads a file that has a token. It does not read more than a token may have.
func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenBytes+2))
	return string(text), err
}

func (o *Options) rest(token string) (*rest.Client, error) {
	return rest.New(rest.Options{URL: o.URL, Token: token, CA: o.CA, Insecure: o.Insecure, Dial: o.Dial, UserAgent: o.UserAgent})
}
