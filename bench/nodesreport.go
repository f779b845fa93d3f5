package main

import (
	"fmt"

	"configapi/test/reports"
)

// nodeCells returns all cells of several nodes, with those next to each other that are compared.
func (r *report) nodeCells() []cell {
	var cells []cell
	for _, cellOf := range []func(nodeSetup) cell{nodeWrites, r.nodeDelays, busyNode} {
		for _, setup := range nodeSetups {
			if at := cellOf(setup); r.Nodes[at] != nil {
				cells = append(cells, at)
			}
		}
	}
	return cells
}

// nodeWrites returns the cell of writes to nodes, nodeDelays that of their subscribers, and
// busyNode that of a subscriber while another node writes much.
func nodeWrites(s nodeSetup) cell {
	return cell{Part: partWrites, Store: storePostgres, By: s.String(), Clients: nodeClients}
}

func (r *report) nodeDelays(s nodeSetup) cell {
	return cell{Part: loadPaced, By: s.String(), Clients: r.Options.nodeSubscribers()}
}

func busyNode(s nodeSetup) cell { return cell{Part: loadBusy, By: s.String(), Clients: 1} }

func (r *report) writeNodes(doc *document) {
	doc.line("## Many nodes")
	doc.line(fmt.Sprintf("On one PostgreSQL, which shares this machine with all nodes and clients. REST writes by %d clients in all, the same number at each node. "+
		"Nodes of one processor each are what equal machines are like; where each may use all, a single node has what several have to share:", nodeClients))
	r.writeNodeWrites(doc)
	doc.line(fmt.Sprintf("From the acknowledgement of a write at one node to the frame at a subscriber of another (with 1 node: of the same), at %d changes/s, "+
		"or as many as the node takes. Every delivery was counted, and checked to come once and in order:", pacedRate))
	r.writeNodeDelays(doc)
	doc.line(fmt.Sprintf("The same at a single subscriber, while the first node writes %d changes/s, %d at once, or as many as it takes. "+
		"A change can be read at a node before its frame leaves:", busyRate, busyWriters))
	r.writeBusyNodes(doc)
}

func (r *report) writeNodeWrites(doc *document) {
	t := reports.Table{Head: []string{"nodes", "processors for each", "clients at each", "/s", "p50", "p99", "÷ 1 such node's /s", "rounds", "aim", "reached"}}
	for _, setup := range nodeSetups {
		aim, verdict := nodesAim(setup.nodes)
		s, one := r.Nodes[nodeWrites(setup)], r.Nodes[nodeWrites(nodeSetup{1, setup.processors})]
		ratio, rounds, reached := compared(s, one, sample.rate, verdict)
		processors := "all"
		if setup.processors > 0 {
			processors = fmt.Sprint(setup.processors)
		}
		t.Add(fmt.Sprint(setup.nodes), processors, fmt.Sprint(nodeClients/setup.nodes), rateText(s), timeText(s, p50), timeText(s, p99), ratio, rounds, aim, reached)
	}
	doc.table(t)
}

func (r *report) writeNodeDelays(doc *document) {
	subscribers := r.Options.nodeSubscribers()
	t := reports.Table{Head: []string{"nodes", "subscribers", "/s", "p50", "p99", "aim", "reached"}}
	for _, setup := range nodeSetups {
		if !setup.isWatched() {
			continue
		}
		s := r.Nodes[r.nodeDelays(setup)]
		aim, reached := notMeasured, notMeasured
		if setup.nodes > 1 && subscribers == deliveryAimSubscribers {
			aim, reached = "< "+milliseconds(nodeDeliveryAim), p99InTime(s, nodeDeliveryAim)
		}
		t.Add(fmt.Sprint(setup.nodes), fmt.Sprint(subscribers), rateText(s), timeText(s, p50), timeText(s, p99), aim, reached)
	}
	doc.table(t)
}

func (r *report) writeBusyNodes(doc *document) {
	t := reports.Table{Head: []string{"nodes", "/s", "p50", "p99", "aim", "reached"}}
	for _, setup := range nodeSetups {
		if !setup.isWatched() {
			continue
		}
		s := r.Nodes[busyNode(setup)]
		aim := fmt.Sprintf("p50 < %s, p99 < %s", milliseconds(busyP50Aim), milliseconds(busyP99Aim))
		t.Add(fmt.Sprint(setup.nodes), rateText(s), timeText(s, p50), timeText(s, p99), aim, busyInTime(s))
	}
	doc.table(t)
}

// busyInTime returns whether a busy node's changes arrive in time, and as many of them as they
// should.
func busyInTime(s *series) string {
	if text, ok := missing(s); ok {
		return text
	}
	const least = 0.95 // of busyRate
	return yesNo(medianOf(s.Samples, p50) < busyP50Aim && medianOf(s.Samples, p99) < busyP99Aim && medianOf(s.Samples, sample.rate) >= least*float64(busyRate))
}
