package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// suspended returns how long the machine has slept since it was started: Go's steady clock stands
// still meanwhile. It is in whole seconds, since some time passes between the two looks.
func suspended() time.Duration {
	return (sinceBoot(unix.CLOCK_BOOTTIME) - sinceBoot(unix.CLOCK_MONOTONIC)).Round(time.Second)
}

func sinceBoot(clock int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
