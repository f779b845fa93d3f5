//go:build !linux

package sqlite

const memory = ""

func roomInMemory() bool { return false }
