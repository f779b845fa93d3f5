package eventstoretest_test

import (
	"context"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// anyBranch reads in the way that its name says without a look at the branch.
type anyBranch struct {
	*memory.Store
	way string
}

func (s anyBranch) branch(way string, named eventstore.Head) eventstore.Head {
	if s.way == way {
		return eventstore.Head{}
	}
	return named
}

func (s anyBranch) ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadBranch(ctx, s.branch("ReadBranch", branch), after, limit)
}

func (s anyBranch) ReadConfig(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadConfig(ctx, s.branch("ReadConfig", branch), name, after, limit)
}

func (s anyBranch) ReadAsOf(ctx context.Context, branch eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadAsOf(ctx, s.branch("ReadAsOf", branch), q, limit)
}

func (s anyBranch) ReadConfigBack(ctx context.Context, branch eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadConfigBack(ctx, s.branch("ReadConfigBack", branch), name, before, limit)
}

func (s anyBranch) ReadInstant(ctx context.Context, branch eventstore.Head, instant time.Time) (eventstore.Record, error) {
	return s.Store.ReadInstant(ctx, s.branch("ReadInstant", branch), instant)
}

// emptyBranch takes for granted that a branch of which it finds nothing is there.
type emptyBranch struct{ *memory.Store }

func (s emptyBranch) ReadConfig(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadConfig(ctx, eventstore.Head{}, name, after, limit)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	return s.Store.ReadConfig(ctx, branch, name, after, limit)
}

// checkedBefore checks the branch in one snapshot, and reads from another, in the way that its name
// says.
type checkedBefore struct {
	*memory.Store
	way string
}

func (s checkedBefore) check(ctx context.Context, way string, branch eventstore.Head) (eventstore.Head, error) {
	if way != s.way {
		return branch, nil
	}
	_, err := s.Store.ReadBranch(ctx, branch, branch.Seq, eventstore.Limit{Records: 1})
	dawdle(ctx, s.Store, branch)
	return eventstore.Head{}, err
}

func (s checkedBefore) ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	branch, err := s.check(ctx, "ReadBranch", branch)
	if err != nil {
		return nil, err
	}
	return s.Store.ReadBranch(ctx, branch, after, limit)
}

func (s checkedBefore) ReadConfig(ctx context.Context, branch eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	branch, err := s.check(ctx, "ReadConfig", branch)
	if err != nil {
		return nil, err
	}
	return s.Store.ReadConfig(ctx, branch, name, after, limit)
}

func (s checkedBefore) ReadAsOf(ctx context.Context, branch eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	branch, err := s.check(ctx, "ReadAsOf", branch)
	if err != nil {
		return nil, err
	}
	return s.Store.ReadAsOf(ctx, branch, q, limit)
}
