package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/postgrestest"
	"configapi/test/faults/cluster"
)

// duration is how long the faults go on.
const duration = 12 * time.Second

func everything() Fault {
	return Fault{
		Name: "everything", About: "all of it at once", Strike: strikeAll,
		Proof: []string{killed, crashed, cut}, SlowReader: true,
	}
}

// strikeAll runs several series of faults at once. The faults of one series follow one another.
func strikeAll(ctx context.Context, a *Arena) error {
	ctx, cancel := context.WithTimeout(ctx, patience+duration)
	defer cancel()
	end := time.Now().Add(duration)
	var series errgroup.Group
	for i, strikes := range [][]func(context.Context, *Arena) error{
		{restartKilled, restartKilled, stopNodes},
		{crash(postgrestest.Immediate), crash(postgrestest.Kill), terminate(true), terminate(false)},
		strikesOf(links()[:4]),
		strikesOf(links()[4:]),
		{stallReader},
	} {
		own := *a
		own.Rand = rand.New(rand.NewPCG(a.Rand.Uint64(), uint64(i)))
		series.Go(func() error {
			for n := 0; time.Now().Before(end); n++ {
				err := strikes[(n+own.Rand.IntN(2))%len(strikes)](ctx, &own)
				if err != nil && !excusable(err) {
					return err
				}
				cluster.Pause(ctx, own.between(100*time.Millisecond, 800*time.Millisecond))
			}
			return nil
		})
	}
	return series.Wait()
}

func strikesOf(faults []Fault) (strikes []func(context.Context, *Arena) error) {
	for _, f := range faults {
		strikes = append(strikes, f.Strike)
	}
	return strikes
}

func restartKilled(ctx context.Context, a *Arena) error {
	n := a.node()
	if err := n.Kill(); err != nil {
		return err
	}
	a.Evidence.Add(killed, 1)
	return n.Start(ctx)
}

// excusable reports whether a fault could not be made because of another one: PostgreSQL is
// unreachable, or a node without a connection to it cannot stop cleanly.
func excusable(err error) bool {
	var stop *cluster.StopError
	return errors.Is(err, cluster.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &stop)
}
