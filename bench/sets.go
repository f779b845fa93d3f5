package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// What is measured of change sets.
const (
	loadApply  = "apply"
	loadDryRun = "dry run"
)

const (
	appliedChanges = 1000 // of a set that is applied, the most that a set may have
	dryRunChanges  = 100  // of a dry run
	etcdChanges    = 128  // of etcd's transactions, the most that it takes by default
)

// setClients are the numbers of clients that apply sets.
var setClients = []int{1, 16}

// measureSets applies change sets to the histories, while etcd, with as many keys, takes its turns
// with its largest transactions. Then one client makes dry runs.
func measureSets(ctx context.Context, r *rig, histories []history, progress io.Writer) (measurements, error) {
	contenders, err := r.startSetContenders(ctx, histories)
	if err != nil {
		return nil, err
	}
	all := measurements{}
	for _, clients := range setClients {
		if err := all.takeTurns(ctx, r.options, loadApply, clients, contenders, progress); err != nil {
			return all, err
		}
	}
	return all, all.takeTurns(ctx, r.options, loadDryRun, 1, contenders, progress)
}

// startSetContenders starts etcd, and configapi on each history.
func (r *rig) startSetContenders(ctx context.Context, histories []history) ([]contender, error) {
	names := historyNames(r.options)
	etcd, err := r.startEtcdForSets(ctx, names)
	if err != nil {
		return nil, err
	}
	contenders := []contender{etcd}
	for _, h := range histories {
		server, err := r.startConfigapi(ctx, h.store, h.url)
		if err != nil {
			return nil, err
		}
		r.onClose(func() { stop(server.Process) })
		if err := awaitVerified(ctx, server, r.options.Events); err != nil {
			return nil, fmt.Errorf("on store %s: %w", h.store, err)
		}
		for _, by := range []string{byREST, byGraphQL} {
			contenders = append(contenders, contender{
				store: h.store,
				by:    by,
				connect: map[string]connector{
					loadApply:  setConnector(server.Address, by, names, r.options.Size, min(appliedChanges, len(names)), false),
					loadDryRun: setConnector(server.Address, by, names, r.options.Size, min(dryRunChanges, len(names)), true),
				},
				cpu:     func() time.Duration { return server.CPU() + r.databaseCPU(h.store) },
				forget:  server.ForgetLog,
				changes: map[string]int{loadApply: min(appliedChanges, len(names))},
			})
		}
	}
	return contenders, nil
}

// startEtcdForSets starts an etcd, and writes all names to it.
func (r *rig) startEtcdForSets(ctx context.Context, names []string) (contender, error) {
	p, address, err := r.startReference(ctx, commandEtcd, r.dir+"/etcd-sets")
	if err != nil {
		return contender{}, err
	}
	o := r.options
	changes := min(etcdChanges, len(names))
	connect := func(clients int, c clientOptions) ([]operation, closers, error) {
		ctx, shared, opened, err := dialEtcd(address, connections(o.EtcdConns, clients), c.life)
		if err != nil {
			return nil, nil, err
		}
		var operations []operation
		for i := range clients {
			client, value := shared[i%len(shared)], newTemplate(valuePattern(o.Size))
			operations = append(operations, func() error { return etcdTransaction(ctx, client, names, c.nextName(), changes, value) })
		}
		return operations, opened, nil
	}
	return contender{
		by:      byEtcd,
		connect: map[string]connector{loadApply: connect},
		cpu:     p.CPU,
		forget:  p.ForgetLog,
		changes: map[string]int{loadApply: changes},
	}, fillInSets(ctx, connect, changes, o)
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

// etcdTransaction puts so many names, from a number on.
func etcdTransaction(ctx context.Context, client *clientv3.Client, names []string, first, changes int, value *template) error {
	puts := make([]clientv3.Op, changes)
	for i := range puts {
		puts[i] = clientv3.OpPut(names[(first+i)%len(names)], string(value.fill(0, randomValue())))
	}
	answer, err := client.Txn(ctx).Then(puts...).Commit()
	if err == nil && len(answer.Responses) != changes {
		err = fmt.Errorf("unexpected answer: %d of %d puts", len(answer.Responses), changes)
	}
	return err
}
