//go:build !unix

package cli

// openFilesLimit returns how many files the process may open. This system has no such limit.
func openFilesLimit() (limit uint64, limited bool) { return 0, false }
