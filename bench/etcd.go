package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"time"

	"go.etcd.io/etcd/api/v3/version"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// etcdVersion is the version of the etcd that is measured.
func etcdVersion() string { return version.Version }

// serveEtcd is the reference for writes: one etcd member with its defaults, in a process of its own, until it is
// killed. It prints its address when it is ready.
func serveEtcd(dir string, out io.Writer) error {
	etcd, err := embed.StartEtcd(etcdConfig(dir))
	if err != nil {
		return err
	}
	<-etcd.Server.ReadyNotify()
	fmt.Fprintln(out, readyWord, etcd.Clients[0].Addr())
	return <-etcd.Err()
}

// etcdConfig is etcd's default but for what a guest on a busy machine needs: ports that are free, its own
// directory, silence, and room for more than 2 GiB, since runs can be long and history is kept by default.
func etcdConfig(dir string) *embed.Config {
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c := embed.NewConfig()
	c.Dir = dir
	c.ListenClientUrls, c.AdvertiseClientUrls = anyPort, anyPort
	c.ListenPeerUrls, c.AdvertisePeerUrls = anyPort, anyPort
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.LogLevel = "error"
	c.QuotaBackendBytes = 8 << 30
	return c
}

// etcdRequest is one kind of request to etcd.
type etcdRequest func(ctx context.Context, client *clientv3.Client, name, value string) error

// etcdPut sets a name.
func etcdPut(ctx context.Context, client *clientv3.Client, name, value string) error {
	_, err := client.Put(ctx, name, value)
	return err
}

// etcdGet reads a name that has a value as long as value.
func etcdGet(options ...clientv3.OpOption) etcdRequest {
	return func(ctx context.Context, client *clientv3.Client, name, value string) error {
		answer, err := client.Get(ctx, name, options...)
		if err != nil {
			return err
		}
		if len(answer.Kvs) != 1 || len(answer.Kvs[0].Value) != len(value) {
			return fmt.Errorf("unexpected answer for %q: %d values", name, len(answer.Kvs))
		}
		return nil
	}
}

// connectEtcd opens etcd's own client, connections shared by the clients in turn, and returns an operation for each.
func connectEtcd(address string, r etcdRequest, clients, connections, size int, o clientOptions) ([]operation, closers, error) {
	ctx, shared, opened, err := dialEtcd(address, connections, o.life)
	if err != nil {
		return nil, nil, err
	}
	var operations []operation
	for i := range clients {
		client := shared[i%connections]
		name, value := newTemplate(namePattern()), newTemplate(valuePattern(size))
		operations = append(operations, func() error {
			n, v := o.nextName(), randomValue()
			return r(ctx, client, string(name.fill(n, v)), string(value.fill(n, v)))
		})
	}
	return operations, opened, nil
}

// dialEtcd opens etcd's own client so many times. The context, which is for requests, ends with them, or after a life.
func dialEtcd(address string, connections int, life time.Duration) (context.Context, []*clientv3.Client, closers, error) {
	var opened closers
	var clients []*clientv3.Client
	for range connections {
		client, err := clientv3.New(clientv3.Config{
			Endpoints:   []string{address},
			DialTimeout: life,
			Logger:      zap.NewNop(),
		})
		if err != nil {
			return nil, nil, nil, errors.Join(fmt.Errorf("connecting to etcd at %s: %w", address, err), opened.Close())
		}
		opened = append(opened, client)
		clients = append(clients, client)
	}
	ctx, cancel := context.WithTimeout(context.Background(), life)
	return ctx, clients, append(opened, closerFunc(func() error { cancel(); return nil })), nil
}

// connections is how many connections etcd's client gets: the flag, or what was seen to serve etcd best. Few let it
// send many requests in one packet; a single one keeps some cores idle.
func connections(flag, clients int) int {
	if flag > 0 {
		return min(flag, clients)
	}
	return min(clients, 2*runtime.NumCPU())
}
