package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"configapi/internal/processtest"
)

// server is the process under attack.
type server struct {
	*processtest.Server
	binary string       // its program
	dir    string       // of its store
	secret string       // of the token that may do everything; "": the server needs none
	peak   atomic.Int64 // the highest memory so far, in MiB
}

// giveUpAt is the memory, in MiB, at which the server is killed, so that a successful attack does
// not bring the machine down.
const giveUpAt = 6 << 10

// startServer starts the server of an attack on a free port, and returns when it is ready.
func startServer(ctx context.Context, binary, dir string, a *attack) (*server, error) {
	store, secret := a.store, ""
	if store == "" {
		store = "sqlite:" + filepath.Join(dir, "configapi.db")
	}
	command := exec.Command(binary, append([]string{"serve", "--store", store, "--log", "text"}, a.flags...)...)
	command.Dir = dir
	if a.secured {
		var err error
		first := filepath.Join(dir, "first")
		if secret, err = makeSecret(ctx, binary, first); err != nil {
			return nil, err
		}
		command.Args = append(command.Args, "--bootstrap-token-file", first)
	}
	started, err := processtest.Serve(ctx, command, filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	s := &server{Server: started, binary: binary, dir: dir, secret: secret}
	go s.guard()
	return s, nil
}

// makeSecret returns the secret of a first token, which a server issues that gets the file.
func makeSecret(ctx context.Context, binary, file string) (string, error) {
	secret, err := exec.CommandContext(ctx, binary, "token", "bootstrap", file).Output()
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return strings.TrimSpace(string(secret)), nil
}

// guard kills the server if it uses too much memory.
func (s *server) guard() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.Done():
			return
		case <-tick.C:
		}
		if now, err := s.usage(); err == nil {
			s.peak.Store(max(s.peak.Load(), now.memory))
			if now.memory > giveUpAt {
				s.Kill()
			}
		}
	}
}

// highest returns the highest memory so far, in MiB.
func (s *server) highest() int64 { return s.peak.Load() }

// usage is what the server has used.
type usage struct {
	memory int64 // resident, in MiB
	peak   int64 // the highest since the last ForgetPeak, in MiB
	cpu    time.Duration
	log    int64 // in KiB
}

func (s *server) usage() (usage, error) {
	if s.Ended() {
		return usage{}, errors.New("the server has ended")
	}
	memory, err := s.Memory()
	return usage{memory: memory.Resident >> 20, peak: memory.Peak >> 20, cpu: s.CPU(), log: s.LogBytes() >> 10}, err
}
