//go:build !unix

package postgrestest

import (
	"errors"
	"os"
	"syscall"
)

// account is a user and its group.
type account struct{ Uid, Gid uint32 }

// attributes are those of a process of the user of this process.
func (a *account) attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// lockFile is for Unix alone, as are the servers that tests start: set TEST_DATABASE_URL.
func lockFile(*os.File, bool) error { return errors.ErrUnsupported }

func freeBytes(string) uint64 { return 0 }
