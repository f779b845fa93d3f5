package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what the server has used, as the kernel counts it.
type usage struct {
	memory int64 // resident, in MiB
	peak   int64 // the most of it since the last forgetPeak
	cpu    time.Duration
	log    int64 // KiB
}

// clockTick is the unit of times in /proc/PID/stat, on all platforms that Go runs on.
const clockTick = 10 * time.Millisecond

func (s *server) usage() (usage, error) {
	if s.ended() {
		return usage{}, errors.New("the server has ended")
	}
	u := usage{log: s.logged.Load() >> 10}
	status, err := os.ReadFile(s.proc("status"))
	if err != nil {
		return usage{}, err
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.memory = kilobytes >> 10
		case "VmHWM":
			u.peak = kilobytes >> 10
		}
	}
	stat, err := os.ReadFile(s.proc("stat"))
	if err != nil {
		return usage{}, err
	}
	// The name of the program, in parentheses, may hold spaces; times are the 12th and 13th field
	// after it.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return usage{}, fmt.Errorf("reading /proc/PID/stat: %d fields", len(fields))
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return usage{}, err
		}
		u.cpu += time.Duration(ticks) * clockTick
	}
	return u, nil
}

// forgetPeak makes the present memory the peak.
func (s *server) forgetPeak() error { return os.WriteFile(s.proc("clear_refs"), []byte("5"), 0) }

func (s *server) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", s.command.Process.Pid, file)
}
