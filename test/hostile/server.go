package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"configapi/internal/processtest"
)

// server is the process under attack.
type server struct {
	*processtest.Server
	dir  string       // of its store
	peak atomic.Int64 // the highest memory so far, in MiB
}

// giveUpAt is the memory, in MiB, at which the server is killed, so that a successful attack does
// not bring the machine down.
const giveUpAt = 6 << 10

// startServer starts a server on a free port, and returns when it is ready.
func startServer(ctx context.Context, binary, dir, store string) (*server, error) {
	if store == "" {
		store = "sqlite:" + filepath.Join(dir, "configapi.db")
	}
	command := exec.Command(binary, "serve", "--store", store, "--log", "text")
	command.Dir = dir
	started, err := processtest.Serve(ctx, command, filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	s := &server{Server: started, dir: dir}
	go s.guard()
	return s, nil
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
