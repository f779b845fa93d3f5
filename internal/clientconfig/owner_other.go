//go:build !unix

package clientconfig

import "io/fs"

// checkOwn does nothing: access is not seen in the mode of a file.
func checkOwn(string, fs.FileInfo) error { return nil }

func checkSecret(string, fs.FileInfo) error { return nil }
