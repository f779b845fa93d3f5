package main

import (
	"fmt"
	"time"
)

// aim is a figure to reach: the wanted one, and the least that will do. They differ for writes only.
type aim struct{ want, must float64 }

// The aims, as ratios to a reference.
var (
	restReadAim    = aim{want: 0.80, must: 0.80} // to the bare handler
	graphQLReadAim = aim{want: 0.45, must: 0.45} // to the bare handler
)

// The aims, as times.
const (
	oneWriterAim = 5 * time.Millisecond  // p95 of a write with one client
	readerAim    = 10 * time.Millisecond // p95 of a read
	startAim     = 3 * time.Second       // with startAimEvents in the history
)

const startAimEvents = 1_000_000

// The aims of reads of the past, which speak of a history and of names that are many.
const (
	asOfPageAim   = 100 * time.Millisecond // a page of asOfPage names
	asOfAllAim    = time.Second            // all names
	asOfAimEvents = 1_000_000
	asOfAimNames  = 10_000
)

// The aims of streams. Ratios are of the server's CPU time per delivery and must not be exceeded.
const (
	singleAim  = 0.60 // to gqlgen's transport
	burstAim   = 0.30 // to gqlgen's transport
	etcdAim    = 1.00 // to etcd
	stalledAim = 2.00 // of the p99 with subscribers that take nothing to that without

	deliveryAim            = 50 * time.Millisecond // p99 from the acknowledgement to the frame, with deliveryAimSubscribers
	deliveryAimSubscribers = 1000
	nodeDeliveryAim        = 100 * time.Millisecond // the same from one node to another
	idleAim                = 25_000                 // bytes of memory per idle subscriber, with idleAimSubscribers
	idleAimSubscribers     = 10_000
)

// threeNodesAim is that of the throughput of three nodes to that of one, with as many clients in all.
var threeNodesAim = aim{want: 0.75, must: 0.75}

// nodesAim is the aim of so many nodes; only three have one.
func nodesAim(count int) (text string, verdict func(ratio float64) string) {
	if count != 3 {
		return notMeasured, noAim
	}
	return fmt.Sprintf(">= %.2f", threeNodesAim.want), threeNodesAim.verdict
}

// writeAim is that of REST writes to etcd's puts with as many clients.
func writeAim(clients int) aim {
	if clients > 64 {
		return aim{want: 1, must: 0.80}
	}
	return aim{want: 1, must: 0.90}
}

// verdict says in the report's words whether a ratio reaches its aim.
func (a aim) verdict(ratio float64) string {
	switch {
	case ratio >= a.want:
		return "yes"
	case ratio >= a.must:
		return "the least"
	default:
		return "**no**"
	}
}

// startVerdict says what a start was to take and whether it did; the aim speaks of a long history alone.
func startVerdict(events int, took time.Duration) (aim, reached string) {
	if events < startAimEvents {
		return notMeasured, notMeasured
	}
	return "< " + seconds(startAim), withinTime(took, startAim)
}

// withinTime says in the report's words whether a time is below its limit.
func withinTime(d, limit time.Duration) string {
	return yesNo(d < limit)
}

// atMostRatio is a verdict: a ratio must not exceed its limit.
func atMostRatio(limit float64) func(ratio float64) string {
	return func(ratio float64) string { return yesNo(ratio <= limit) }
}

// belowRatio is a verdict: a ratio must be below its limit.
func belowRatio(limit float64) func(ratio float64) string {
	return func(ratio float64) string { return yesNo(ratio < limit) }
}

// noAim is the verdict where nothing was asked for.
func noAim(float64) string { return notMeasured }

func yesNo(reached bool) string {
	if reached {
		return "yes"
	}
	return "**no**"
}
