//go:build !unix

package cli

// openFilesLimit returns how many files the program may have open: there is no such limit here.
func openFilesLimit() (limit uint64, limited bool) { return 0, false }
