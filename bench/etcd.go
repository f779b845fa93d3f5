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

// etcdVersion returns the version of the etcd that is measured.
func etcdVersion() string { return version.Version }

// serveEtcd is the reference for writes: one etcd member with its default settings. It runs in its
// own process until it is killed, and prints its address when it is ready.
func serveEtcd(dir string, out io.Writer) error {
	etcd, err := embed.StartEtcd(etcdConfig(dir))
	if err != nil {
		return err
	}
	<-etcd.Server.ReadyNotify()
	fmt.Fprintln(out, readyWord, etcd.Clients[0].Addr())
	return <-etcd.Err()
}

// etcdConfig is etcd's default configuration, with free ports, its own directory, no log, and a
// quota of more than 2 GiB, since etcd keeps its history and runs may be long.
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

// etcdGet reads a name whose value is as long as value.
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

// connectEtcd opens etcd's own clients, each shared by some of the clients, and returns an
// operation for each client.
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

// dialEtcd opens etcd's own client so many times. The context is for requests; it ends when they
// are closed, or after life.
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

// connections returns the number of etcd's connections: the flag, or what is best for etcd. With
// few connections, etcd's client sends many requests in one packet; with only one, some cores are
// idle.
func connections(flag, clients int) int {
	if flag > 0 {
		return min(flag, clients)
	}
	return min(clients, 2*runtime.NumCPU())
}
