package eventstoretest_test

import (
	"context"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// anyBasis ignores the basis in one of its reads.
type anyBasis struct {
	*memory.Store
	way string
}

func (s anyBasis) basis(way string, named eventstore.Head) eventstore.Head {
	if s.way == way {
		return eventstore.Head{}
	}
	return named
}

func (s anyBasis) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadHistory(ctx, s.basis("ReadHistory", basis), after, limit)
}

func (s anyBasis) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadConfig(ctx, s.basis("ReadConfig", basis), name, after, limit)
}

func (s anyBasis) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadAsOf(ctx, s.basis("ReadAsOf", basis), q, limit)
}

func (s anyBasis) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.Store.ReadConfigBack(ctx, s.basis("ReadConfigBack", basis), name, before, limit)
}

func (s anyBasis) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	return s.Store.ReadBack(ctx, s.basis("ReadBack", basis), q, limit)
}

func (s anyBasis) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
	return s.Store.ReadInstant(ctx, s.basis("ReadInstant", basis), instant)
}

// uncheckedWhenEmpty accepts any basis when it finds nothing.
type uncheckedWhenEmpty struct{ *memory.Store }

func (s uncheckedWhenEmpty) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadConfig(ctx, eventstore.Head{}, name, after, limit)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	return s.Store.ReadConfig(ctx, basis, name, after, limit)
}

// checkedBefore checks the basis in one snapshot and reads from another, in one of its reads.
type checkedBefore struct {
	*memory.Store
	way string
}

func (s checkedBefore) check(ctx context.Context, way string, basis eventstore.Head) (eventstore.Head, error) {
	if way != s.way {
		return basis, nil
	}
	_, err := s.Store.ReadHistory(ctx, basis, basis.Seq, eventstore.Limit{Records: 1})
	dawdle(ctx, s.Store, basis)
	return eventstore.Head{}, err
}

func (s checkedBefore) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	basis, err := s.check(ctx, "ReadHistory", basis)
	if err != nil {
		return nil, err
	}
	return s.Store.ReadHistory(ctx, basis, after, limit)
}

func (s checkedBefore) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	basis, err := s.check(ctx, "ReadConfig", basis)
	if err != nil {
		return nil, err
	}
	return s.Store.ReadConfig(ctx, basis, name, after, limit)
}

func (s checkedBefore) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	basis, err := s.check(ctx, "ReadAsOf", basis)
	if err != nil {
		return nil, err
	}
	return s.Store.ReadAsOf(ctx, basis, q, limit)
}
