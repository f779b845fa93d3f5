package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var errNoAnswer = errors.New("closing: the server did not answer in time; it is unknown whether the last append was written")

// Close frees the connections after the running append and reads, for which it waits at most
// [Options.CloseTimeout]. After that it cuts all connections and returns an error. Every later call
// on the store fails.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.stop()
		// Later calls of Wait must not start the listener while Close waits for it to end.
		s.listen()
		freed := make(chan struct{})
		go func() {
			defer close(freed)
			s.writer.close()
			s.pools.close()
			s.listening.Wait()
		}()
		select {
		case <-freed:
		case <-time.After(s.opts.CloseTimeout):
			s.conns.cut()
			<-freed
			s.closeErr = errNoAnswer
		}
	})
	return s.closeErr
}

// netConns are the network connections of a store. Closing them ends every wait for a server that
// does not answer, such as the library's orderly goodbye, which takes up to 15 s.
type netConns struct {
	ctx context.Context // ends when the connections are cut
	cut context.CancelFunc

	mu   sync.Mutex
	open map[*netConn]struct{}
}

// netConn is one network connection.
type netConn struct {
	net.Conn
	conns *netConns
}

func newNetConns() *netConns {
	n := &netConns{open: make(map[*netConn]struct{})}
	n.ctx, n.cut = context.WithCancel(context.Background())
	context.AfterFunc(n.ctx, n.closeAll)
	return n
}

// track adds the connections that are made with a configuration.
func (n *netConns) track(config *pgconn.Config) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(n.ctx, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return n.add(conn)
	}
}

func (n *netConns) add(conn net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		conn.Close()
		return nil, errClosed
	}
	added := &netConn{conn, n}
	n.open[added] = struct{}{}
	return added, nil
}

func (c *netConn) Close() error {
	c.conns.mu.Lock()
	delete(c.conns.open, c)
	c.conns.mu.Unlock()
	return c.Conn.Close()
}

func (n *netConns) closeAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for one := range n.open {
		one.Conn.Close()
	}
}
