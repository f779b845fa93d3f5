package configstore

import (
	"time"

	"golang.org/x/sys/unix"
)

// suspended is for how long the machine has slept since it was started: the steady clock of Go
// stands still meanwhile. It is in whole seconds, since some time passes between the two looks.
func suspended() time.Duration {
	return (clockTime(unix.CLOCK_BOOTTIME) - clockTime(unix.CLOCK_MONOTONIC)).Round(time.Second)
}

func clockTime(clock int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
