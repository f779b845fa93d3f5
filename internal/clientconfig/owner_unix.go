//go:build unix

package clientconfig

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwn refuses a file or a folder that is of another user, or that others may write to.
func checkOwn(path string, info fs.FileInfo) error {
	stat, is := info.Sys().(*syscall.Stat_t)
	if is && !isTrusted(int(stat.Uid), os.Geteuid()) {
		return fmt.Errorf("%s belongs to another user, who could send your tokens elsewhere: make it your own", path)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to %s, and so send your tokens elsewhere: chmod go-w %s", path, path)
	}
	return nil
}

// isTrusted reports whether the owner of a file is the user or root.
func isTrusted(owner, user int) bool { return owner == user || owner == 0 }

// checkSecret refuses a file with a token that everyone may read or write.
func checkSecret(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("everyone on this machine may use %s: chmod 600 %s", path, path)
	}
	return nil
}
