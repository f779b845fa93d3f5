package main

import (
	"slices"
	"time"

	"configapi/test/reports"
)

// witnessed is the name that the witness writes to.
const witnessed = "witness"

// witness is a well-behaved client during an attack: it writes, waits for the answer, and measures
// the time.
type witness struct {
	target *target
	stopit chan struct{}
	ended  chan latencies
	failed error // the first write that was not done; set when it has ended
}

// witnessPause is the pause between two writes of the witness.
const witnessPause = 20 * time.Millisecond

func startWitness(s *server) *witness {
	w := &witness{target: newTarget(s), stopit: make(chan struct{}), ended: make(chan latencies, 1)}
	go func() { w.ended <- w.run() }()
	return w
}

// stop stops the witness, and returns the durations of its writes.
func (w *witness) stop() latencies {
	close(w.stopit)
	return <-w.ended
}

func (w *witness) run() (taken latencies) {
	pause := time.NewTicker(witnessPause)
	defer pause.Stop()
	for {
		began := time.Now()
		if err := w.target.put(witnessed, "1"); err != nil && w.failed == nil {
			w.failed = err // it counts as well: it may be slow
		}
		taken = append(taken, time.Since(began))
		select {
		case <-w.stopit:
			return taken
		case <-pause.C:
		}
	}
}

// latencies are durations of requests.
type latencies []time.Duration

// percentile returns the p-th percentile, 0 if there are no requests.
func (l latencies) percentile(p int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return reports.Percentile(sorted, p)
}
