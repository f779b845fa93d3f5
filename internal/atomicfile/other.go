//go:build !unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// lockNew keeps the file: an open file cannot be removed.
func lockNew(*os.File) (kept bool, err error) { return true, nil }

// removeUnlocked removes a file unless a process has it open, which fails.
func removeUnlocked(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

func keepOwner(*os.File, string, fs.FileInfo) error { return nil }
func checkLink(string, fs.FileInfo) error           { return nil }
func explainRename(_ string, err error) error       { return err }
func syncFolder(string) error                       { return nil }
