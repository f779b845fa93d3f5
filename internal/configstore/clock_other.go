//go:build !linux

package configstore

import "time"

// suspended is not known. On Darwin and Windows the steady clock of Go goes on while the machine
// sleeps, or nearly so.
func suspended() time.Duration { return 0 }
