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
	// maxOpening is how many connections may be opening at a time. The accept queue of the
	// server is much longer, so no connection is lost.
	maxOpening = 64
	// readSize is the size of a read.
	readSize = 256 << 10
	// stalledBuffer is the receive buffer of a subscriber that stalls, and stalledSegment its
	// segment size, both in bytes. With the loopback's segments of 64 KiB, the server's send buffer
	// would hold megabytes.
	stalledBuffer, stalledSegment = 4 << 10, 536
	// perSource is how many connections come from one address: fewer than it has ports.
	perSource = 20_000
	// wake is the number under which epoll reports the stop pipe.
	wake = -1
)

// crowd are subscribers over websockets: thousands of connections that one goroutine reads, without
// a buffer, a goroutine or a timer for each. An event costs one system call. A connection has one
// stream or more.
type crowd struct {
	address netip.AddrPort
	conns   []crowdConn
	stalls  bool     // subscribers stop reading once they are live
	secrets []string // of tokens, which connections have in turn; nil: they have none
	tally   *tally

	epoll   int
	stop    [2]int // a pipe; closing it stops the crowd
	started int    // connections that are open
	opening int    // those of them that are not live yet
	ready   chan struct{}
	ended   chan struct{}
}

// crowdConn is a subscriber with its connection.
type crowdConn struct {
	subscriber
	fd int
}

// joinCrowd connects subscribers to a server, so many on each connection, and returns when all are
// live. If they stall, they stop reading then. The connections have the tokens with these secrets
// in turn. Later errors are reported to the tally.
func joinCrowd(ctx context.Context, address string, subscribers, perConnection int, stalls bool, secrets []string, t *tally) (io.Closer, error) {
	connections := (subscribers + perConnection - 1) / perConnection
	if err := checkFiles(connections); err != nil {
		return nil, err
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	c := &crowd{
		address: at, conns: make([]crowdConn, connections), stalls: stalls, secrets: secrets, tally: t,
		ready: make(chan struct{}), ended: make(chan struct{}),
	}
	for i := range c.conns {
		c.conns[i].streams = make([]stream, min(perConnection, subscribers-i*perConnection))
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
		return nil, errors.Join(fmt.Errorf("connecting %d subscribers: %w", subscribers, ctx.Err()), c.Close())
	}
}

// Close resets all connections: ports in TIME_WAIT would be missing in the next measurement.
func (c *crowd) Close() error {
	errs := []error{syscall.Close(c.stop[1])}
	<-c.ended
	for i := range c.started {
		fd := c.conns[i].fd
		_ = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		errs = append(errs, syscall.Close(fd))
	}
	return errors.Join(append(errs, syscall.Close(c.stop[0]), syscall.Close(c.epoll))...)
}

// run reads from all connections until the crowd is closed or an error occurs.
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

// openMore opens connections up to maxOpening.
func (c *crowd) openMore() error {
	for c.started < len(c.conns) && c.opening < maxOpening {
		i := c.started
		m := &c.conns[i]
		m.tally = c.tally
		var err error
		if m.fd, err = dialRaw(c.address, sourceOf(i), c.stalls); err != nil {
			return err
		}
		c.started++
		c.opening++
		if err := c.watch(m.fd, i); err != nil {
			return err
		}
		secret := ""
		if len(c.secrets) > 0 {
			secret = c.secrets[i%len(c.secrets)]
		}
		request, err := upgradeRequest(c.address.String(), secret)
		if err != nil {
			return err
		}
		if err := writeAll(m.fd, []byte(request)); err != nil {
			return err
		}
	}
	return nil
}

// watch registers a descriptor with epoll under a number.
func (c *crowd) watch(fd, number int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(number)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_ADD, fd, &event))
}

// readFrom reads once from a subscriber. If more is readable, epoll reports it again.
func (c *crowd) readFrom(i int, buffer []byte) error {
	m := &c.conns[i]
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

// arrived counts a connection as live. If it stalls, it is not read any more.
func (c *crowd) arrived(i int) error {
	c.opening--
	if c.opening == 0 && c.started == len(c.conns) {
		close(c.ready)
	}
	if !c.stalls {
		return nil
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_DEL, c.conns[i].fd, nil))
}

// sourceOf returns the address of this machine from which a connection comes.
func sourceOf(connection int) [4]byte { return [4]byte{127, 0, 0, byte(1 + connection/perSource)} }

// dialRaw connects to a server on this machine, which does not block.
func dialRaw(to netip.AddrPort, from [4]byte, stalls bool) (fd int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	if stalls {
		err = errors.Join(
			syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, stalledBuffer),
			syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, stalledSegment))
	}
	if err == nil && from != sourceOf(0) {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: from})
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

// writeAll writes a few bytes. It fails if the send buffer is full, since the server should read at
// once.
func writeAll(fd int, data []byte) error {
	n, err := syscall.Write(fd, data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	return os.NewSyscallError("write", err)
}

// checkFiles returns an error if this process may not open so many connections. Go raises the soft
// limit to the hard one, in this process and in the servers.
func checkFiles(connections int) error {
	const others = 300 // for writers, etcd and files
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if need := uint64(connections + others); limit.Cur < need {
		return &tooManyFiles{connections, need, limit.Cur}
	}
	return nil
}
