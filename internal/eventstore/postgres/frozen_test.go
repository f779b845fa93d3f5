package postgres

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// freezing is a connection that stops reading after a number of bytes, as that of a process that
// was stopped. The kernel goes on acknowledging until its buffers are full.
type freezing struct {
	net.Conn
	left   int // bytes until it freezes
	frozen func()
	thawed <-chan struct{}
}

func (c *freezing) Read(b []byte) (int, error) {
	if c.left <= 0 {
		c.frozen()
		<-c.thawed
	}
	n, err := c.Conn.Read(b[:min(len(b), max(c.left, 1))])
	c.left -= n
	return n, err
}

// TestWriterThatFreezesWhileItIsSentWhatItMissed stops a writer between the lock and the end of the
// missed records, which are more than the buffers hold. PostgreSQL then waits for the network
// inside a statement, where none of its own time-outs applies.
func TestWriterThatFreezesWhileItIsSentWhatItMissed(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	writer, other := mustOpen(t, c.TCPDSN("postgres"), Options{lockTimeout: lockTimeout, appendTimeout: never}), mustOpen(t, c.DSN("postgres"), Options{})
	head := mustAppend(t, other, eventstore.Head{}, 1)
	large := records(head, 7)
	for i := range large {
		large[i].Data = strings.Repeat("x", 1<<20)
	}
	var chain eventstore.Chain
	chain.Seal(head, eventstore.AppendID{3}, large)
	if err := other.Append(t.Context(), head, large); err != nil {
		t.Fatal(err)
	}

	frozen, thaw := make(chan struct{}), make(chan struct{})
	defer close(thaw)
	freezeAfter(writer, 1<<20, sync.OnceFunc(func() { close(frozen) }), thaw)
	go func() { // it fails when it thaws, or sooner
		_ = writer.AppendLocked(t.Context(), 0, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			return nil, nil, context.Canceled
		})
	}()
	select {
	case <-frozen:
	case <-time.After(patience):
		t.Fatal("the writer did not get to where it freezes")
	}
	for deadline := time.Now().Add(patience); ; {
		if err := other.Append(t.Context(), headOf(large), records(headOf(large), 1)); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("others cannot append while one is frozen: %v", err)
		}
	}
}

// freezeAfter makes a new connection for the appends of a store, which freezes after a number of
// bytes.
func freezeAfter(s *Store, bytes int, frozen func(), thaw <-chan struct{}) {
	s.writer.drop()
	own := &s.writer.config.Config
	dial := own.DialFunc
	own.DialFunc = pgconn.DialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &freezing{conn, bytes, frozen, thaw}, nil
	})
}
