package clientcmd

import (
	"context"
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
	outages outages
}

func (f *renderFlags) source(ctx context.Context, env Env) (*renderSource, error) {
	if err := checkOutput(f.output); err != nil {
		return nil, err
	}
	s := &renderSource{session: &session{env: env, output: f.output}, flags: f}
	target, err := s.resolve(ctx)
	if err != nil {
		return nil, UsageErrorf("%w", err)
	}
	s.session.target = target
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
	return s, checkLayers(s.layers)
}

// resolve returns the server.
func (s *renderSource) resolve(ctx context.Context) (clientconfig.Target, error) {
	env := s.session.env
	return s.flags.Resolve(ctx, clientconfig.Environment{Getenv: env.Getenv, Stderr: env.Stderr})
}

func (s *renderSource) options() client.Options {
	to := s.session.target
	o := client.Options{
		URL: to.URL, CA: to.CA, Insecure: to.Insecure, UserAgent: userAgent(), Layers: s.layers,
		File: s.flags.cache, MaxStale: s.flags.maxStale, OnError: s.note,
	}
	if to.Token != "" {
		o.TokenFunc = tokens(to, s.resolve)
	}
	return o
}

// note says what is wrong with the server, once in each outage.
func (s *renderSource) note(err error) {
	if text := printable(err.Error()); s.outages.isNew(text) {
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
