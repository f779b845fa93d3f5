//go:build !unix

package cli

// dieInterrupted does nothing: there are no signals by which a process may end.
func dieInterrupted() {}
