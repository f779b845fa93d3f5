package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var errCut = errors.New("closing: the server did not answer in time; what was under way may have been written or not")

// Close frees the connections, after an append and reads that are under way, for which it waits for
// [Options.CloseTimeout] at most. Then it cuts them off, and says so. Every call after it fails.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.stop()
		s.listen() // for nothing, so that no Wait begins to listen when the end of that is waited for
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
			s.closeErr = errCut
		}
	})
	return s.closeErr
}

// lines are all connections of a store as the network sees them. To cut them is what ends
// everything that waits for a server that does not answer, such as the good-byes of the library,
// which take up to 15 s.
type netConns struct {
	ctx context.Context // ends when they are cut
	cut context.CancelFunc

	mu   sync.Mutex
	open map[*netConn]struct{}
}

// line is one connection.
type netConn struct {
	net.Conn
	conns *netConns
}

func newNetConns() *netConns {
	l := &netConns{open: make(map[*netConn]struct{})}
	l.ctx, l.cut = context.WithCancel(context.Background())
	context.AfterFunc(l.ctx, l.closeAll)
	return l
}

// through has connections that are made with a configuration be among the lines.
func (l *netConns) track(config *pgconn.Config) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(l.ctx, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return l.add(conn)
	}
}

func (l *netConns) add(conn net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		conn.Close()
		return nil, errClosed
	}
	added := &netConn{conn, l}
	l.open[added] = struct{}{}
	return added, nil
}

func (l *netConn) Close() error {
	l.conns.mu.Lock()
	delete(l.conns.open, l)
	l.conns.mu.Unlock()
	return l.Conn.Close()
}

func (l *netConns) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for one := range l.open {
		one.Conn.Close()
	}
}
