package cluster

import (
	"fmt"
	"os"
	"syscall"
)

// mount makes a disk, nil when this process may not mount one.
func mount(dir string) (*disk, error) {
	if err := os.Mkdir(dir, 0o711); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, nil
	}
	err := syscall.Mount("configapi-faults", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=0711", diskBytes))
	if err != nil { // for example as root in a container
		return nil, nil
	}
	return &disk{dir}, nil
}

func (d *disk) unmount() error {
	if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting %s: %w", d.dir, err)
	}
	return nil
}
