//go:build !linux

package sdnotify

// monotonicMicroseconds returns 0: only on Linux there is a service manager that asks for it.
func monotonicMicroseconds() int64 { return 0 }
