package processtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Tick is the unit of processor time in /proc: USER_HZ, which is 100 on every Linux that Go runs
// on.
const Tick = 10 * time.Millisecond

// CPU is the processor time that the process and its living children have used. It is 0 when the
// process has ended, and where there is no /proc.
func (p *Process) CPU() time.Duration { return CPUOf(p.PID()) }

// CPUOf is like [Process.CPU], for any process.
func CPUOf(pid int) time.Duration {
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

// processStat is the part of /proc/PID/stat that counts here.
type processStat struct {
	pid, parent int
	cpu         time.Duration
}

// parseStat reads /proc/PID/stat, see proc(5). The name of the program is in parentheses and may
// itself hold spaces and parentheses, so fields are counted from the last one.
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
	return processStat{pid: numbers[0], parent: numbers[1], cpu: time.Duration(numbers[2]+numbers[3]) * Tick}, true
}

// Memory is how much memory a process has, in bytes.
type Memory struct {
	Resident int64
	Peak     int64 // the most of it since the start, or since ForgetPeak
}

// Memory returns the memory of the process. It is an error when the process has ended, and where
// there is no /proc.
func (p *Process) Memory() (Memory, error) { return MemoryOf(p.PID()) }

// MemoryOf is like [Process.Memory], for any process.
func MemoryOf(pid int) (Memory, error) {
	status, err := os.ReadFile(procFile(pid, "status"))
	if err != nil {
		return Memory{}, fmt.Errorf("the memory of a process is read from /proc, on Linux: %w", err)
	}
	return parseStatus(string(status))
}

// parseStatus reads /proc/PID/status, see proc(5). A process that has ended has no memory there.
func parseStatus(status string) (m Memory, err error) {
	for _, line := range []struct {
		name string
		to   *int64
	}{{"\nVmRSS:", &m.Resident}, {"\nVmHWM:", &m.Peak}} {
		_, rest, _ := strings.Cut(status, line.name)
		text, _, _ := strings.Cut(rest, "kB")
		kilobytes, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("reading %s %w", line.name[1:], err)
		}
		*line.to = kilobytes << 10
	}
	return m, nil
}

// ForgetPeak makes the present memory the peak.
func (p *Process) ForgetPeak() error {
	return os.WriteFile(procFile(p.PID(), "clear_refs"), []byte("5"), 0)
}

func procFile(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }
