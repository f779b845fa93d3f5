package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"

	"configapi/test/reports"
)

// describe says what was tried, and where.
func describe(ctx context.Context, s *suite) (reports.Facts, error) {
	version, err := s.cluster.Database.Version(ctx)
	if err != nil {
		return nil, err
	}
	facts := reports.NewFacts()
	facts.Add("commit", reports.Commit(ctx, s.options.Tree))
	facts.Add("seed", strconv.FormatUint(s.options.Seed, 10))
	facts.Add("machine", fmt.Sprintf("%s, %d cores for everything, %s", reports.Processor(), runtime.NumCPU(), reports.System(ctx)))
	facts.Add("versions", runtime.Version()+", PostgreSQL "+version)
	facts.Add("servers also have", s.features.String())
	facts.Add("rounds", fmt.Sprintf("%d of each fault, each with %d strikes", s.options.Rounds, s.options.Strikes))
	return facts, nil
}
