//go:build !unix

package sqlite

// freeBytes returns 0: it is unknown.
func freeBytes(string) uint64 { return 0 }
