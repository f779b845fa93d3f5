package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxHandshakes is how many connections may be opening at a time.
	maxHandshakes = 16
	// securedReadSize is the size of a read, for which each connection has a buffer.
	securedReadSize = 4 << 10
)

// securedCrowd are subscribers over TLS, with a goroutine for each connection. They use more CPU
// than a crowd, which the server's figures do not show.
type securedCrowd struct {
	closing chan struct{} // closed when the crowd is closed
	readers sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns []*tls.Conn
}

// joinSecured connects subscribers to a server over TLS, one on each connection, and returns when
// all are live. Later errors are reported to the tally.
func joinSecured(ctx context.Context, address string, subscribers int, t *tally) (io.Closer, error) {
	if err := checkFiles(subscribers); err != nil {
		return nil, err
	}
	c := &securedCrowd{closing: make(chan struct{})}
	opening, ctx := errgroup.WithContext(ctx)
	opening.SetLimit(maxHandshakes)
	for range subscribers {
		opening.Go(func() error { return c.open(ctx, address, t) })
	}
	if err := opening.Wait(); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting %d subscribers over TLS: %w", subscribers, err), c.Close())
	}
	return c, nil
}

// Close resets all connections, as a crowd does.
func (c *securedCrowd) Close() error {
	close(c.closing)
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.NetConn().(*net.TCPConn).SetLinger(0), conn.NetConn().Close())
	}
	c.readers.Wait()
	return errors.Join(errs...)
}

// open connects one subscriber, and returns when it is live.
func (c *securedCrowd) open(ctx context.Context, address string, t *tally) error {
	// the certificate is one that the server has just made
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}}
	dialed, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	conn := dialed.(*tls.Conn)
	c.mu.Lock()
	c.conns = append(c.conns, conn)
	c.mu.Unlock()
	request, err := upgradeRequest(address, "")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	one := &subscriber{tally: t, streams: make([]stream, 1)}
	buffer := make([]byte, securedReadSize)
	cut := context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })
	for one.state != live {
		if err := receiveFrom(conn, one, buffer); err != nil {
			return err
		}
	}
	if !cut() {
		return ctx.Err()
	}
	c.readers.Go(func() {
		for {
			if err := receiveFrom(conn, one, buffer); err != nil {
				c.report(err, t)
				return
			}
		}
	})
	return nil
}

// report reports to the tally why a connection has ended, unless the crowd is being closed.
func (c *securedCrowd) report(err error, t *tally) {
	select {
	case <-c.closing:
	default:
		t.fail(fmt.Errorf("subscriber over TLS: %w", err))
	}
}

// receiveFrom reads once from a connection, and sends what the subscriber answers.
func receiveFrom(conn *tls.Conn, one *subscriber, buffer []byte) error {
	n, err := conn.Read(buffer)
	if err != nil {
		return err
	}
	send, err := one.receive(buffer[:n], time.Now())
	if err != nil || len(send) == 0 {
		return err
	}
	_, err = conn.Write(send)
	return err
}
