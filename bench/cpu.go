package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ, which is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// ownCPU is the CPU time that this process has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// cpuOf is the CPU time that a process and its living children have used (PostgreSQL works in children).
// It is 0 where there is no /proc.
func cpuOf(pid int) time.Duration {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var total time.Duration
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process is gone
		}
		if p, ok := parseStat(stat); ok && (p.pid == pid || p.parent == pid) {
			total += p.cpu
		}
	}
	return total
}

// processStat is the part of /proc/<pid>/stat that counts here.
type processStat struct {
	pid, parent int
	cpu         time.Duration
}

// parseStat reads /proc/<pid>/stat, see proc(5). The name of the program stands in parentheses and may itself hold
// spaces and parentheses, so fields are counted from the last one.
func parseStat(stat []byte) (processStat, bool) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 1 || end < open {
		return processStat{}, false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 13 {
		return processStat{}, false
	}
	var numbers [4]int
	for i, text := range [][]byte{bytes.TrimSpace(stat[:open]), fields[1], fields[11], fields[12]} {
		n, err := strconv.Atoi(string(text))
		if err != nil {
			return processStat{}, false
		}
		numbers[i] = n
	}
	return processStat{pid: numbers[0], parent: numbers[1], cpu: time.Duration(numbers[2]+numbers[3]) * tick}, true
}
