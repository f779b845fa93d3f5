//go:build !linux

package main

import (
	"errors"
	"time"
)

type usage struct {
	memory, peak int64
	cpu          time.Duration
	log          int64
}

var errNoUsage = errors.New("what a process uses is read from /proc: run this on Linux")

func (s *server) usage() (usage, error) { return usage{}, errNoUsage }

func (s *server) forgetPeak() error { return errNoUsage }
