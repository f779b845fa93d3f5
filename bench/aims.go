package main

import (
	"fmt"
	"time"
)

// aim is a ratio to reach: the wanted one, and the least acceptable. They differ for writes only.
type aim struct{ want, must float64 }

// Aims as ratios to a reference.
var (
	restReadAim    = aim{want: 0.80, must: 0.80} // of the bare handler
	graphQLReadAim = aim{want: 0.50, must: 0.50} // of the bare handler
	setsAim        = aim{want: 1.00, must: 1.00} // changes/s, of those of etcd's transactions
	valuesAim      = aim{want: 1.00, must: 1.00} // large values/s, of etcd's puts
)

// Aims as durations.
const (
	oneWriterAim = 5 * time.Millisecond  // p95 of a write by one client
	readerAim    = 10 * time.Millisecond // p95 of a read
	startAim     = time.Second           // with startAimNames, whatever the length of the history
	startCPUAim  = 6 * time.Second       // CPU, with memoryNames
)

const startAimEvents, startAimNames = 1_000_000, 10_000

// Aims of reads of the past, for a history of many events and names.
const (
	asOfPageAim   = 100 * time.Millisecond // for a page of asOfPage names
	asOfAllAim    = time.Second            // for all names
	asOfAimEvents = 1_000_000
	asOfAimNames  = 10_000
)

// Aims of what is read and written on such a history.
const (
	nearAim        = 50 * time.Millisecond  // for a page of a difference of near moments
	endsAim        = time.Second            // for all of the difference of the two ends
	historyPageAim = 10 * time.Millisecond  // for a page
	childrenAim    = 5 * time.Millisecond   // for a page
	applyAim       = 100 * time.Millisecond // for a set of largestSet
	dryRunAim      = 5 * time.Millisecond   // for a dry run
)

// Aims of streams. The ratios are upper bounds of the server's CPU time per delivery.
const (
	singleAim  = 0.60 // of gqlgen's transport
	burstAim   = 0.30 // of gqlgen's transport
	etcdAim    = 1.00 // of etcd
	stalledAim = 2.00 // of the p99 without subscribers that stall

	// p99 from the acknowledgement to the frame, with deliveryAimSubscribers
	deliveryAim            = 10 * time.Millisecond
	deliveryAimSubscribers = 1000
	nodeDeliveryAim        = 100 * time.Millisecond // the same across nodes
	// busyP50Aim and busyP99Aim are the same from one node to another, with busyRate changes/s
	busyP50Aim         = 5 * time.Millisecond
	busyP99Aim         = 15 * time.Millisecond
	idleAim            = 25_000 // bytes per idle subscriber
	idleAimSubscribers = 10_000
)

// threeNodesAim is the throughput of three nodes relative to one, with the same number of clients.
var threeNodesAim = aim{want: 0.85, must: 0.85}

// rightsAim is the throughput of clients with tokens relative to those of an open server, and
// rightsCostAim the most CPU time of the server for each request or delivery, as a ratio.
var rightsAim = aim{want: 0.95, must: 0.95}

const rightsCostAim = 1.05

// nodesAim returns the aim of so many nodes. Only three nodes have one.
func nodesAim(count int) (text string, verdict func(ratio float64) string) {
	if count != 3 {
		return notMeasured, noAim
	}
	return fmt.Sprintf(">= %.2f", threeNodesAim.want), threeNodesAim.verdict
}

// writeAim is the throughput of REST writes relative to etcd's puts, with as many clients.
var writeAim = aim{want: 1.20, must: 1.00}

// verdict returns whether a ratio reaches the aim, as the report says it.
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

// startVerdict returns the aim of a start and whether it was reached. Only long histories of few
// names have an aim.
func startVerdict(events, names int, took time.Duration) (aim, reached string) {
	if events < startAimEvents || names > startAimNames {
		return notMeasured, notMeasured
	}
	return "< " + seconds(startAim), withinTime(took, startAim)
}

// withinTime returns whether a duration is below its limit, as the report says it.
func withinTime(d, limit time.Duration) string {
	return yesNo(d < limit)
}

// atMostRatio returns a verdict: the ratio must not exceed the limit.
func atMostRatio(limit float64) func(ratio float64) string {
	return func(ratio float64) string { return yesNo(ratio <= limit) }
}

// belowRatio returns a verdict: the ratio must be below the limit.
func belowRatio(limit float64) func(ratio float64) string {
	return func(ratio float64) string { return yesNo(ratio < limit) }
}

// noAim is the verdict where there is no aim.
func noAim(float64) string { return notMeasured }

func yesNo(reached bool) string {
	if reached {
		return "yes"
	}
	return "**no**"
}
