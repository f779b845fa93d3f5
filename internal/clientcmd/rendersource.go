package clientcmd

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"configapi/client"
	"configapi/internal/clientconfig"
)

// renderSource says where the configs of templates come from.
type renderSource struct {
	session *session // without a client
	flags   *renderFlags
	layers  []string // whole prefixes

	mu    sync.Mutex // guards noted
	noted string     // the last line about the server
}

func (f *renderFlags) source(ctx context.Context, env Env) (*renderSource, error) {
	if err := checkOutput(f.output); err != nil {
		return nil, err
	}
	target, err := f.Resolve(ctx, clientconfig.Environment{Getenv: env.Getenv, Stderr: env.Stderr})
	if err != nil {
		return nil, UsageErrorf("%w", err)
	}
	s := &renderSource{session: &session{env: env, target: target, output: f.output}, flags: f}
	for _, prefix := range f.prefixes {
		if prefix = strings.TrimSuffix(prefix, "/"); prefix == "" {
			return nil, UsageErrorf("--prefix is empty; leave it out for all configs")
		}
		whole, err := s.session.fullName(prefix)
		if err != nil {
			return nil, err
		}
		s.layers = append(s.layers, whole)
	}
	if len(s.layers) == 0 && target.Prefix != "" {
		s.layers = []string{target.Prefix}
	}
	if len(s.layers) > client.MaxLayers {
		return nil, UsageErrorf("--prefix may be given %d times at most", client.MaxLayers)
	}
	return s, nil
}

func (s *renderSource) options() client.Options {
	to := s.session.target
	o := client.Options{
		URL: to.URL, CA: to.CA, Insecure: to.Insecure, UserAgent: userAgent(), Layers: s.layers,
		File: s.flags.cache, MaxStale: s.flags.maxStale, OnError: s.note,
	}
	if to.Token != "" {
		o.TokenFunc = s.token()
	}
	return o
}

// token returns a function that returns the token, and looks for a new one each time but the first.
func (s *renderSource) token() func(context.Context) (string, error) {
	first, to := s.session.target.Token, s.session.target
	return func(ctx context.Context) (string, error) {
		if token := first; token != "" {
			first = ""
			return token, nil
		}
		now, err := s.flags.Resolve(ctx, clientconfig.Environment{Getenv: s.session.env.Getenv, Stderr: s.session.env.Stderr})
		if err == nil && now.URL != to.URL {
			err = errors.New("the context has another server now: start the command again")
		}
		return now.Token, err
	}
}

// note says what is wrong with the server, unless it is the same again.
func (s *renderSource) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := printable(err.Error()); text != s.noted {
		s.noted = text
		s.session.note("%s", "configapi: "+text)
	}
}

// lockedWriter is a stream that several goroutines write to.
type lockedWriter struct {
	mu    sync.Mutex // guards inner
	inner io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inner.Write(p)
}
