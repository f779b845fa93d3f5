package sdnotify

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonicMicroseconds reads CLOCK_MONOTONIC, with which a service manager compares.
func monotonicMicroseconds() int64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return 0
	}
	return now.Nano() / int64(time.Microsecond)
}
