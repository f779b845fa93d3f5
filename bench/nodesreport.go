package main

import "fmt"

// nodeCells are all cells of many nodes that were measured, in an order that puts next to each other what is compared.
func (r *report) nodeCells() []cell {
	var cells []cell
	for _, cellOf := range []func(count int) cell{nodeWrites, r.nodeDelays} {
		for _, count := range nodeCounts {
			if at := cellOf(count); r.Nodes[at] != nil {
				cells = append(cells, at)
			}
		}
	}
	return cells
}

// nodeWrites is the cell of writes to so many nodes, nodeDelays that of subscribers.
func nodeWrites(count int) cell {
	return cell{Part: partWrites, Store: storePostgres, By: byNodes(count), Clients: nodeClients}
}

func (r *report) nodeDelays(count int) cell {
	return cell{Part: loadPaced, By: byNodes(count), Clients: r.Options.nodeSubscribers()}
}

func (r *report) writeNodes(doc *document) {
	doc.line("## Many nodes")
	doc.line(fmt.Sprintf("On one PostgreSQL, which shares this machine with all nodes and clients. REST writes by %d clients in all, the same number at each node:", nodeClients))
	r.writeNodeWrites(doc)
	doc.line(fmt.Sprintf("From the acknowledgement of a write at one node to the frame at a subscriber of another (with 1 node: of the same), at %d changes/s, "+
		"or as many as the node takes. Every delivery was counted, and checked to come once and in order:", pacedRate))
	r.writeNodeDelays(doc)
}

func (r *report) writeNodeWrites(doc *document) {
	t := table{head: []string{"nodes", "clients at each", "/s", "p50", "p99", "÷ 1 node's /s", "rounds", "aim", "reached"}}
	one := r.Nodes[nodeWrites(1)]
	for _, count := range nodeCounts {
		aim, verdict := nodesAim(count)
		s := r.Nodes[nodeWrites(count)]
		ratio, rounds, reached := compared(s, one, sample.rate, verdict)
		t.add(fmt.Sprint(count), fmt.Sprint(nodeClients/count), rateText(s), timeText(s, p50), timeText(s, p99), ratio, rounds, aim, reached)
	}
	doc.table(t)
}

func (r *report) writeNodeDelays(doc *document) {
	subscribers := r.Options.nodeSubscribers()
	t := table{head: []string{"nodes", "subscribers", "/s", "p50", "p99", "aim", "reached"}}
	for _, count := range nodeCounts {
		s := r.Nodes[r.nodeDelays(count)]
		aim, reached := notMeasured, notMeasured
		if count > 1 && subscribers == deliveryAimSubscribers {
			aim, reached = "< "+milliseconds(nodeDeliveryAim), p99InTime(s, nodeDeliveryAim)
		}
		t.add(fmt.Sprint(count), fmt.Sprint(subscribers), rateText(s), timeText(s, p50), timeText(s, p99), aim, reached)
	}
	doc.table(t)
}
