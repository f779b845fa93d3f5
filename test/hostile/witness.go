package main

import (
	"slices"
	"time"

	"configapi/test/reports"
)

// witnessed is the name that the witness writes to.
const witnessed = "witness"

// witness is a well-behaved client beside an attack: it writes, waits for the answer, and takes the
// time.
type witness struct {
	target *target
	stopit chan struct{}
	ended  chan latencies
}

// witnessPause is the time between two of its writes.
const witnessPause = 20 * time.Millisecond

func startWitness(s *server) *witness {
	w := &witness{target: newTarget(s), stopit: make(chan struct{}), ended: make(chan latencies, 1)}
	go func() { w.ended <- w.run() }()
	return w
}

// stop ends the witness, and returns how long its writes took.
func (w *witness) stop() latencies {
	close(w.stopit)
	return <-w.ended
}

func (w *witness) run() (taken latencies) {
	pause := time.NewTicker(witnessPause)
	defer pause.Stop()
	for {
		began := time.Now()
		_ = w.target.put(witnessed, "1") // a refusal that takes long is seen, too
		taken = append(taken, time.Since(began))
		select {
		case <-w.stopit:
			return taken
		case <-pause.C:
		}
	}
}

// latencies are times that requests took.
type latencies []time.Duration

// percentile is the time that so many of a hundred requests did not exceed; 0 when there were none.
func (l latencies) percentile(p int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return reports.Percentile(sorted, p)
}
