package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	// maxOpening is how many subscribers may be on their way to their first message at a time: the server's queue of
	// connections holds far more, so none is lost.
	maxOpening = 64
	// readSize is the most that is read at once.
	readSize = 256 << 10
	// stalledBuffer is what the kernel keeps for a subscriber that takes nothing, and stalledSegment the most that it is sent at once,
	// both in bytes. With the segments of this machine, 64 KiB, the kernel keeps megabytes on the server's side.
	stalledBuffer, stalledSegment = 4 << 10, 536
	// wake is in place of a subscriber's number where epoll tells of the end.
	wake = -1
)

// crowd are subscribers over websockets: thousands of connections that one goroutine reads, without a buffer, a goroutine or
// a timer for each. An event costs it one system call.
type crowd struct {
	address netip.AddrPort
	members []member
	stalls  bool // members take nothing once they are live
	tally   *tally

	epoll   int
	stop    [2]int // a pipe; its end is the crowd's
	started int    // members that are connected
	opening int    // of those, not live yet
	ready   chan struct{}
	ended   chan struct{}
}

// member is a subscriber with its connection.
type member struct {
	subscriber
	fd int
}

// joinCrowd connects subscribers to a server. All of them are live when it returns; those that stall take nothing from then on.
// What goes wrong later is told to the tally.
func joinCrowd(ctx context.Context, address string, subscribers int, stalls bool, t *tally) (io.Closer, error) {
	if err := checkFiles(subscribers); err != nil {
		return nil, err
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	c := &crowd{
		address: at, members: make([]member, subscribers), stalls: stalls, tally: t,
		ready: make(chan struct{}), ended: make(chan struct{}),
	}
	if c.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.Pipe2(c.stop[:], syscall.O_CLOEXEC); err != nil {
		return nil, errors.Join(os.NewSyscallError("pipe2", err), syscall.Close(c.epoll))
	}
	go c.run()
	select {
	case <-c.ready:
		return c, nil
	case <-c.ended:
		return nil, errors.Join(c.tally.failure(), c.Close())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("connecting %d subscribers: %w", len(c.members), ctx.Err()), c.Close())
	}
}

// Close cuts all connections: with a reset, since thousands of ports that linger would be missing in the next measurement.
func (c *crowd) Close() error {
	errs := []error{syscall.Close(c.stop[1])}
	<-c.ended
	for i := range c.started {
		fd := c.members[i].fd
		_ = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		errs = append(errs, syscall.Close(fd))
	}
	return errors.Join(append(errs, syscall.Close(c.stop[0]), syscall.Close(c.epoll))...)
}

// run reads from all connections until the crowd is closed, or something goes wrong.
func (c *crowd) run() {
	defer close(c.ended)
	if err := c.read(); err != nil {
		c.tally.fail(err)
	}
}

func (c *crowd) read() error {
	if err := c.watch(c.stop[0], wake); err != nil {
		return err
	}
	buffer := make([]byte, readSize)
	events := make([]syscall.EpollEvent, 1024)
	for {
		if err := c.openMore(); err != nil {
			return err
		}
		n, err := syscall.EpollWait(c.epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == wake {
				return nil
			}
			if err := c.readFrom(int(e.Fd), buffer); err != nil {
				return fmt.Errorf("subscriber %d: %w", e.Fd, err)
			}
		}
	}
}

// openMore connects members until enough are on their way.
func (c *crowd) openMore() error {
	for c.started < len(c.members) && c.opening < maxOpening {
		i := c.started
		m := &c.members[i]
		m.tally = c.tally
		var err error
		if m.fd, err = dialRaw(c.address, c.stalls); err != nil {
			return err
		}
		c.started++
		c.opening++
		if err := c.watch(m.fd, i); err != nil {
			return err
		}
		request, err := upgradeRequest(c.address.String())
		if err != nil {
			return err
		}
		if err := writeAll(m.fd, []byte(request)); err != nil {
			return err
		}
	}
	return nil
}

// watch has epoll tell of a descriptor, by a number.
func (c *crowd) watch(fd, number int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(number)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_ADD, fd, &event))
}

// readFrom reads once from a member; where there is more, epoll says so again.
func (c *crowd) readFrom(i int, buffer []byte) error {
	m := &c.members[i]
	n, err := syscall.Read(m.fd, buffer)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return errors.New("the server has closed the connection")
	}
	was := m.state
	send, err := m.receive(buffer[:n], time.Now())
	if err != nil {
		return err
	}
	if m.state == live && was != live {
		if err := c.arrived(i); err != nil {
			return err
		}
	}
	if len(send) == 0 {
		return nil
	}
	return writeAll(m.fd, send)
}

// arrived notes that a member is live. One that stalls is not read from any more.
func (c *crowd) arrived(i int) error {
	c.opening--
	if c.opening == 0 && c.started == len(c.members) {
		close(c.ready)
	}
	if !c.stalls {
		return nil
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_DEL, c.members[i].fd, nil))
}

// dialRaw connects to a server on this machine, which is done at once.
func dialRaw(to netip.AddrPort, stalls bool) (fd int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	if stalls {
		err = errors.Join(
			syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, stalledBuffer),
			syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, stalledSegment))
	}
	if err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("connecting to %s: %w", to, err), syscall.Close(fd))
	}
	return fd, nil
}

// writeAll sends a few bytes. That there is no room for them is an error: the server reads what it is sent.
func writeAll(fd int, data []byte) error {
	n, err := syscall.Write(fd, data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	return os.NewSyscallError("write", err)
}

// checkFiles refuses more connections than this process may have open. Go has raised the soft limit to the hard one; the
// servers, which are Go programs too, have the same.
func checkFiles(connections int) error {
	const others = 300 // writers, etcd, files
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if need := uint64(connections + others); limit.Cur < need {
		return fmt.Errorf("%d subscribers need %d open files, the limit is %d: raise it (ulimit -Hn), or ask for fewer", connections, need, limit.Cur)
	}
	return nil
}
