package main

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"configapi/test/reports"
)

// publishersInReport are the contenders of streams in the order of the tables: those with a
// connection for each of configapi's subscribers, and those with perShared on each connection.
var (
	publishersApart    = []string{byConfigapi, byGqlgen, byEtcd, byEtcdEach}
	publishersShared   = []string{byShared, byEtcdShared}
	publishersInReport = slices.Concat(publishersApart, publishersShared, []string{byTLS})
)

// costLoads are the loads whose CPU time per delivery is compared.
var costLoads = []string{loadSingle, loadBurst, loadFlood}

// streamCells returns all measured cells of streams, with those next to each other that are
// compared.
func (r *report) streamCells() []cell {
	var cells []cell
	for _, subscribers := range r.Options.Subscribers {
		for _, l := range streamLoads {
			for _, by := range publishersInReport {
				at := cell{Part: l.name, By: by, Clients: subscribers}
				if r.Streams.Loads[at] != nil {
					cells = append(cells, at)
				}
			}
		}
	}
	return cells
}

// stream returns the series of a cell, nil if it was not measured.
func (r *report) stream(load, by string, subscribers int) *series {
	return r.Streams.Loads[cell{Part: load, By: by, Clients: subscribers}]
}

func (r *report) writeStreams(doc *document) {
	doc.line("## Streams")
	doc.line("All changes to websocket subscribers, and to as many etcd watchers: " + r.watchers() + ". " +
		"CPU is the server's, in µs per delivery of one change to one subscriber. Every delivery was counted, and checked to come once and in order.")
	r.writeDeliveries(doc, publishersApart)
	r.writeDeliveryRatios(doc)
	doc.line(fmt.Sprintf("The same with %d subscribers on each connection, for both:", perShared))
	r.writeDeliveries(doc, publishersShared)
	r.writeSharedRatios(doc)
	r.writeTLS(doc)
	r.writeDelays(doc)
}

// watchers describes how etcd's watchers are connected.
func (r *report) watchers() string {
	most := slices.Max(r.Options.Subscribers)
	return fmt.Sprintf("\"etcd\" on %d connections, which serves it best, %q with one for each, up to %d", r.Options.watchConnections(most), byEtcdEach, maxEtcdEach)
}

// rowsOf yields numbers of subscribers and names in the order of the tables.
func (r *report) rowsOf(names []string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for _, subscribers := range r.Options.Subscribers {
			for _, name := range names {
				if !yield(subscribers, name) {
					return
				}
			}
		}
	}
}

func (r *report) writeDeliveries(doc *document, publishers []string) {
	t := reports.Table{Head: []string{"subscribers", "load"}}
	for _, by := range publishers {
		t.Head = append(t.Head, by+" µs", by+" /s")
	}
	for subscribers, load := range r.rowsOf(costLoads) {
		row := []string{fmt.Sprint(subscribers), load}
		for _, by := range publishers {
			s := r.stream(load, by, subscribers)
			row = append(row, costText(s, sample.serverCost), rateText(s))
		}
		t.Add(row...)
	}
	doc.table(t)
}

func (r *report) writeDeliveryRatios(doc *document) {
	t := reports.Table{Head: []string{"subscribers", "load", "CPU ÷ gqlgen's", "rounds", "aim", "reached",
		"CPU ÷ etcd's", "rounds", "< 1", "CPU ÷ etcd 1:1's", "rounds", "< 1"}}
	for subscribers, load := range r.rowsOf(costLoads) {
		aim, verdict := deliveryCostAim(load)
		ours := r.stream(load, byConfigapi, subscribers)
		row := []string{fmt.Sprint(subscribers), load}
		add := func(by string, verdict func(float64) string, aim ...string) {
			ratio, rounds, reached := compared(ours, r.stream(load, by, subscribers), sample.serverCost, verdict)
			row = append(append(append(row, ratio, rounds), aim...), reached)
		}
		add(byGqlgen, verdict, aim)
		add(byEtcd, belowRatio(etcdAim))
		add(byEtcdEach, belowRatio(etcdAim))
		t.Add(row...)
	}
	doc.table(t)
}

func (r *report) writeSharedRatios(doc *document) {
	t := reports.Table{Head: []string{"subscribers", "load", "CPU ÷ etcd's", "rounds", "< 1"}}
	for subscribers, load := range r.rowsOf(costLoads) {
		ratio, rounds, reached := compared(r.stream(load, byShared, subscribers), r.stream(load, byEtcdShared, subscribers),
			sample.serverCost, belowRatio(etcdAim))
		t.Add(fmt.Sprint(subscribers), load, ratio, rounds, reached)
	}
	doc.table(t)
}

func (r *report) writeTLS(doc *document) {
	t := reports.Table{Head: []string{"subscribers", "load", byConfigapi + " µs", byTLS + " µs", "TLS ÷ without", "rounds"}}
	for subscribers, load := range r.rowsOf(costLoads) {
		plain, secured := r.stream(load, byConfigapi, subscribers), r.stream(load, byTLS, subscribers)
		ratio, rounds, _ := compared(secured, plain, sample.serverCost, noAim)
		t.Add(fmt.Sprint(subscribers), load, costText(plain, sample.serverCost), costText(secured, sample.serverCost), ratio, rounds)
	}
	doc.line("Over TLS 1.3, that of the server itself; its memory is in the last table:")
	doc.table(t)
}

// deliveryCostAim returns the aim of a load relative to gqlgen's transport.
func deliveryCostAim(load string) (aim string, verdict func(ratio float64) string) {
	switch load {
	case loadSingle:
		return fmt.Sprintf("<= %.2f", singleAim), atMostRatio(singleAim)
	case loadBurst:
		return fmt.Sprintf("<= %.2f", burstAim), atMostRatio(burstAim)
	default:
		return notMeasured, noAim
	}
}

func (r *report) writeDelays(doc *document) {
	t := reports.Table{Head: []string{"subscribers", "by", "p50 alone", "p99 alone", "/s", "p50", "p99", "aim", "reached",
		"p99 when some take nothing", "÷ p99 without", "rounds", "< 2"}}
	for subscribers, by := range r.rowsOf(publishersInReport) {
		paced, stalled := r.stream(loadPaced, by, subscribers), r.stream(loadStalled, by, subscribers)
		if paced == nil {
			continue
		}
		verdict := noAim
		aim, reached := notMeasured, notMeasured
		if by == byConfigapi || by == byShared {
			verdict = belowRatio(stalledAim)
			if subscribers == deliveryAimSubscribers {
				aim, reached = "< "+milliseconds(deliveryAim), p99InTime(paced, deliveryAim)
			}
		}
		ratio, rounds, unharmed := compared(stalled, paced, func(s sample) float64 { return float64(s.P99) }, verdict)
		alone := r.stream(loadSingle, by, subscribers)
		t.Add(fmt.Sprint(subscribers), by, timeText(alone, p50), timeText(alone, p99), rateText(paced), timeText(paced, p50), timeText(paced, p99), aim, reached,
			timeText(stalled, p99), ratio, rounds, unharmed)
	}
	doc.line(fmt.Sprintf("From the acknowledgement of a write to the frame at a subscriber: of one change alone; at %d changes/s, or as many as the server takes; then the same "+
		"with one more subscriber in %d that takes nothing:", pacedRate, stallShare))
	doc.table(t)
}

// p99InTime returns whether deliveries are within the limit, as the report says it.
func p99InTime(s *series, limit time.Duration) string {
	if text, ok := missing(s); ok {
		return text
	}
	return withinTime(medianOf(s.Samples, p99), limit)
}

func (r *report) writeIdle(doc *document) {
	later := fmt.Sprintf("%v later", r.Options.IdleTime)
	t := reports.Table{Head: []string{"by", "idle subscribers", "RSS without", "RSS with", "per subscriber", "aim", "reached", later, "p50 of a change", "p99"}}
	var refused []string
	for _, m := range r.Streams.Idle {
		row := []string{m.By, fmt.Sprint(m.Subscribers), failed, failed, failed, notMeasured, notMeasured, failed, failed, failed}
		switch why := m.refused(); {
		case why != "":
			t.Add(m.By, fmt.Sprint(m.Subscribers), "refused", notMeasured, notMeasured, notMeasured, notMeasured, notMeasured, notMeasured, notMeasured)
			refused = append(refused, m.By+": "+why)
			continue
		case m.Err == nil:
			row[2], row[3], row[4] = megabytes(m.Before), megabytes(m.After), kilobytes(m.perSubscriber())
			row[7], row[8], row[9] = kilobytes(m.perSubscriberLater()), milliseconds(m.Single.P50), milliseconds(m.Single.P99)
			if m.By == byConfigapi && m.Subscribers >= idleAimSubscribers {
				row[5], row[6] = "<= "+kilobytes(idleAim), yesNo(m.perSubscriber() <= idleAim)
			}
		}
		t.Add(row...)
	}
	doc.line("## Idle subscribers")
	doc.line("Memory of a fresh server without and with subscribers that get nothing but pings, when it has settled, and after a time. " +
		"Then one change after the other, each to all of them, from its acknowledgement to the frame:")
	doc.table(t)
	if len(refused) > 0 {
		doc.line("Refused by this machine:\n\n- " + strings.Join(refused, "\n- "))
	}
}

func megabytes(bytes int64) string   { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
func kilobytes(bytes float64) string { return fmt.Sprintf("%.1f kB", bytes/1e3) }
