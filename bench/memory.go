package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"configapi/test/reports"
)

// The history of the memory measurement: so many names of so many bytes, each set to a value of 64
// bytes once, or more often when the start measurement has more events.
const (
	memoryNames     = 1_000_000
	memoryNameBytes = 40
	memoryValueSize = 64
	// memoryAim is the most bytes per name, in all.
	memoryAim = 450
)

// setMemory is a server's memory with many names, or the error of the measurement.
type setMemory struct {
	Store    string
	Events   int
	Names    int
	CPU      time.Duration // of configapi until /readyz answered 200
	Resident int64         // in bytes, once it has settled after the start
	Err      error
}

// perName returns the memory of the process per name, in bytes.
func (m setMemory) perName() float64 { return float64(m.Resident) / float64(m.Names) }

// measureMemory starts configapi on a history of many names in each durable store, and measures its
// resident memory.
func measureMemory(ctx context.Context, r *rig, progress io.Writer) ([]setMemory, error) {
	var measured []setMemory
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		m := setMemory{Store: store, Events: max(memoryNames, r.options.Events), Names: memoryNames}
		m.Err = m.measure(ctx, r)
		if err := ctx.Err(); err != nil {
			return measured, err
		}
		if m.Err != nil {
			fmt.Fprintf(progress, "memory %-8s FAILED: %v\n", store, m.Err)
		} else {
			fmt.Fprintf(progress, "memory %-8s %.0f bytes a name, start with %s of CPU\n", store, m.perName(), seconds(m.CPU))
		}
		measured = append(measured, m)
	}
	return measured, nil
}

func (m *setMemory) measure(ctx context.Context, r *rig) error {
	url, err := r.newStore(ctx, m.Store, "memory")
	if err != nil {
		return err
	}
	o := r.options
	o.Names, o.Events, o.NameSize, o.Size = m.Names, m.Events, memoryNameBytes, memoryValueSize
	if err := writeHistoryTo(ctx, m.Store, url, o); err != nil {
		return fmt.Errorf("writing a history: %w", err)
	}
	server, err := r.startConfigapi(ctx, m.Store, url)
	if err != nil {
		return err
	}
	defer stop(server.Process)
	m.CPU = server.CPU()
	m.Resident, err = settledRSS(ctx, server.Process)
	return err
}

func (r *report) writeMemory(doc *document) {
	t := reports.Table{Head: []string{"store", "events", "names", "CPU of the start", "< 6 s", "resident", "bytes a name", "aim (at most)", "reached"}}
	for _, m := range r.Memory {
		row := []string{m.Store, fmt.Sprint(m.Events), fmt.Sprint(m.Names), failed, failed, failed, failed, fmt.Sprint(memoryAim), failed}
		if m.Err == nil {
			row[3], row[4] = seconds(m.CPU), withinTime(m.CPU, startCPUAim)
			row[5], row[6] = fmt.Sprintf("%d MB", m.Resident/1e6), fmt.Sprintf("%.0f", m.perName())
			row[8] = yesNo(m.perName() <= memoryAim)
		}
		t.Add(row...)
	}
	doc.line("## Memory of a large set")
	doc.line(fmt.Sprintf("Resident memory of the process after the start, shared out among names of %d bytes with values of %d.",
		memoryNameBytes, memoryValueSize))
	doc.table(t)
}
