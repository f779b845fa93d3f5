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

// server is a process under attack.
type server struct {
	*processtest.Server
	dir  string       // where its store is
	peak atomic.Int64 // the most memory that was seen, in MiB
}

// giveUpAt is the memory, in MiB, at which a server is killed, so that an attack that works leaves
// the machine alone.
const giveUpAt = 6 << 10

// startServer starts a server on a free port and returns when it is ready.
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

// guard kills a server whose memory has got out of hand.
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

// highest is the most memory that the server was seen with, in MiB.
func (s *server) highest() int64 { return s.peak.Load() }

// usage is what the server has used.
type usage struct {
	memory int64 // resident, in MiB
	peak   int64 // the most of it since the last ForgetPeak
	cpu    time.Duration
	log    int64 // KiB
}

func (s *server) usage() (usage, error) {
	if s.Ended() {
		return usage{}, errors.New("the server has ended")
	}
	memory, err := s.Memory()
	return usage{memory: memory.Resident >> 20, peak: memory.Peak >> 20, cpu: s.CPU(), log: s.LogBytes() >> 10}, err
}
