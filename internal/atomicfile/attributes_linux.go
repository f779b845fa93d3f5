package atomicfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// attributes are what decides about access beside the mode and the owner.
var attributes = []string{accessList, "security.selinux"}

const accessList = "system.posix_acl_access"

// keepAttributes gives a new file the access list and the label of the old one.
func keepAttributes(file *os.File, path string) error {
	for _, name := range attributes {
		value := make([]byte, 64<<10) // the most that Linux has
		n, err := unix.Getxattr(path, name, value)
		switch {
		case errors.Is(err, unix.ENOTSUP):
			continue
		case errors.Is(err, unix.ENODATA) && name != accessList:
			continue
		case errors.Is(err, unix.ENODATA): // the new one may have that of its folder
			if err = unix.Fremovexattr(int(file.Fd()), name); errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
				continue
			}
		case err == nil:
			err = unix.Fsetxattr(int(file.Fd()), name, value[:n], 0)
		}
		if err != nil {
			return fmt.Errorf("keeping the attribute %s of %s: %w", name, path, err)
		}
	}
	return nil
}
