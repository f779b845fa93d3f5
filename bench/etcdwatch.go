package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcdWatchers are watchers of all names. They speak etcd's protocol on the connections of its
// client, but with one goroutine per stream instead of a goroutine and a channel per watcher.
type etcdWatchers struct {
	tally   *tally
	cancel  context.CancelFunc
	clients closers
	readers sync.WaitGroup
}

// watchEtcd opens watchers on so many connections, with one stream each, and returns when all are
// live. The end of ctx cancels the opening. Later errors are reported to the tally.
func watchEtcd(opening context.Context, address string, watchers, connections int, t *tally) (io.Closer, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(opening))
	defer context.AfterFunc(opening, cancel)()
	w := &etcdWatchers{tally: t, cancel: cancel}
	for i := range connections {
		count := watchers/connections + min(1, max(watchers%connections-i, 0))
		if err := w.open(ctx, address, count); err != nil {
			return nil, errors.Join(fmt.Errorf("watching etcd at %s: %w", address, err), w.Close())
		}
	}
	return w, nil
}

// Close ends all watchers.
func (w *etcdWatchers) Close() error {
	w.cancel()
	w.readers.Wait()
	return w.clients.Close()
}

// open creates watchers in turn on one connection.
func (w *etcdWatchers) open(ctx context.Context, address string, watchers int) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	w.clients = append(w.clients, client)
	stream, err := etcdserverpb.NewWatchClient(client.ActiveConnection()).Watch(ctx)
	if err != nil {
		return err
	}
	create := &etcdserverpb.WatchCreateRequest{Key: []byte(namePrefix), RangeEnd: []byte(clientv3.GetPrefixRangeEnd(namePrefix))}
	request := &etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{CreateRequest: create}}
	revisions := map[int64]int64{} // :: watcher → its last revision
	for range watchers {
		if err := stream.Send(request); err != nil {
			return err
		}
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		if !answer.Created || answer.Canceled {
			return fmt.Errorf("unexpected answer to the creation of a watcher: %v", answer)
		}
		revisions[answer.WatchId] = answer.Header.Revision
	}
	w.readers.Go(func() {
		if err := w.read(stream, revisions); ctx.Err() == nil {
			w.tally.fail(err)
		}
	})
	return nil
}

// read delivers the events of one stream until it ends, and returns why it did.
func (w *etcdWatchers) read(stream etcdserverpb.Watch_WatchClient, revisions map[int64]int64) error {
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		at := time.Now()
		last, known := revisions[answer.WatchId]
		if !known || answer.Canceled {
			return fmt.Errorf("unexpected answer to a watcher: %v", answer)
		}
		for _, event := range answer.Events {
			if last, err = w.deliver(event, last, at); err != nil {
				return fmt.Errorf("watcher %d: %w", answer.WatchId, err)
			}
		}
		revisions[answer.WatchId] = last
	}
}

// deliver checks that an event is the next one, and returns its revision.
func (w *etcdWatchers) deliver(event *mvccpb.Event, last int64, at time.Time) (revision int64, err error) {
	revision = event.Kv.ModRevision
	if event.Type != mvccpb.Event_PUT || revision != last+1 {
		return 0, fmt.Errorf("%v of revision %d came after %d", event.Type, revision, last)
	}
	change, err := parseChange(event.Kv.Value)
	if err != nil {
		return 0, err
	}
	return revision, w.tally.deliver(change, revision, at)
}
