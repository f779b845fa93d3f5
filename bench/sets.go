package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// setLoad is what is measured of change sets: each request makes so many changes.
type setLoad struct {
	name    string
	changes int
}

const (
	// etcdPuts is the number of puts in each of etcd's transactions, with which it makes as many
	// changes as a set has, one transaction after the other.
	etcdPuts = 100
	// etcdMostPuts is the most that a transaction of etcd takes by default.
	etcdMostPuts = 128
)

// byEtcdMost is etcd with its largest transactions.
const byEtcdMost = "etcd 128"

// largestSet is the most changes that a set may have.
const largestSet = 1000

// Sets that are applied, and the dry run.
var (
	setLoads = []setLoad{{"apply 100", 100}, {"apply 1000", largestSet}}
	dryRun   = setLoad{"dry run", 100}
)

// setClients are the numbers of clients that apply sets.
var setClients = []int{1, 16}

// measureSets applies change sets to the histories, while etcd, with as many keys, takes its turns
// with transactions. Then one client makes dry runs.
func measureSets(ctx context.Context, r *rig, histories []history, progress io.Writer) (measurements, error) {
	contenders, err := r.startSetContenders(ctx, histories)
	if err != nil {
		return nil, err
	}
	all := measurements{}
	for _, l := range setLoads {
		for _, clients := range setClients {
			if err := all.takeTurns(ctx, r.options, l.name, clients, contenders, progress); err != nil {
				return all, err
			}
		}
	}
	return all, all.takeTurns(ctx, r.options, dryRun.name, 1, contenders, progress)
}

// startSetContenders starts etcd, and configapi on each history.
func (r *rig) startSetContenders(ctx context.Context, histories []history) ([]contender, error) {
	names := historyNames(r.options)
	contenders, err := r.startEtcdForSets(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, h := range histories {
		server, err := r.startConfigapi(ctx, h.store, h.url)
		if err != nil {
			return nil, err
		}
		r.onClose(func() { stop(server.Process) })
		if err := awaitVerified(ctx, server, r.options.Events, verifyPatience); err != nil {
			return nil, fmt.Errorf("on store %s: %w", h.store, err)
		}
		for _, by := range []string{byREST, byGraphQL} {
			c := contender{
				store:   h.store,
				by:      by,
				connect: map[string]connector{},
				cpu:     func() time.Duration { return server.CPU() + r.databaseCPU(h.store) },
				forget:  server.ForgetLog,
				changes: map[string]int{},
			}
			connect := func(changes int, dryRun bool) connector {
				return setConnector(server.Address, by, names, r.options.Size, changes, dryRun)
			}
			for _, l := range setLoads {
				c.changes[l.name] = min(l.changes, len(names))
				c.connect[l.name] = connect(c.changes[l.name], false)
			}
			c.connect[dryRun.name] = connect(min(dryRun.changes, len(names)), true)
			contenders = append(contenders, c)
		}
	}
	return contenders, nil
}

// startEtcdForSets starts an etcd, and writes all names to it.
func (r *rig) startEtcdForSets(ctx context.Context, names []string) ([]contender, error) {
	p, address, err := r.startReference(ctx, commandEtcd, r.dir+"/etcd-sets")
	if err != nil {
		return nil, err
	}
	o := r.options
	connect := func(changes, puts int) connector {
		return func(clients int, c clientOptions) ([]operation, closers, error) {
			ctx, shared, opened, err := dialEtcd(address, connections(o.EtcdConns, clients), c.life)
			if err != nil {
				return nil, nil, err
			}
			var operations []operation
			for i := range clients {
				client, value := shared[i%len(shared)], newTemplate(valuePattern(o.Size))
				operations = append(operations, func() error {
					return etcdTransactions(ctx, client, names, c.nextName(), changes, puts, value)
				})
			}
			return operations, opened, nil
		}
	}
	inHundreds := contender{by: byEtcd, connect: map[string]connector{}, cpu: p.CPU, forget: p.ForgetLog, changes: map[string]int{}}
	for _, l := range setLoads {
		changes := min(l.changes, len(names))
		inHundreds.connect[l.name], inHundreds.changes[l.name] = connect(changes, etcdPuts), changes
	}
	most, last := min(etcdMostPuts, len(names)), setLoads[len(setLoads)-1].name
	largest := contender{
		by:      byEtcdMost,
		connect: map[string]connector{last: connect(most, most)},
		cpu:     p.CPU,
		forget:  p.ForgetLog,
		changes: map[string]int{last: most},
	}
	return []contender{inHundreds, largest}, fillInSets(ctx, connect(most, most), most, o)
}

// fillInSets writes every name once, with transactions of so many.
func fillInSets(ctx context.Context, connect connector, changes int, o options) error {
	next := 0
	operations, opened, err := connect(1, clientOptions{nextName: func() int { return next }, life: fillLife})
	for ; err == nil && next < o.Names; next += changes {
		err = errors.Join(operations[0](), ctx.Err())
	}
	return errors.Join(err, opened.Close())
}

// etcdTransactions puts so many names, from a number on, in transactions of at most so many puts,
// one after the other.
func etcdTransactions(ctx context.Context, client *clientv3.Client, names []string, first, changes, most int, value *template) error {
	for done := 0; done < changes; {
		puts := make([]clientv3.Op, min(most, changes-done))
		for i := range puts {
			puts[i] = clientv3.OpPut(names[(first+done+i)%len(names)], string(value.fill(0, randomValue())))
		}
		answer, err := client.Txn(ctx).Then(puts...).Commit()
		switch {
		case err != nil:
			return err
		case !answer.Succeeded || len(answer.Responses) != len(puts):
			return fmt.Errorf("unexpected answer: %d of %d puts", len(answer.Responses), len(puts))
		}
		done += len(puts)
	}
	return nil
}
