package main

import (
	"context"
	"fmt"
	"io"

	"configapi/test/reports"
)

// The history that memory is measured with: so many names of so many bytes, each set once to a value of 64 bytes.
const (
	memoryNames     = 1_000_000
	memoryNameBytes = 40
	memoryValueSize = 64
	// memoryAim is how many bytes a name may take in all.
	memoryAim = 450
)

// setMemory is what a server with many names takes, or the error that voided it.
type setMemory struct {
	Store    string
	Names    int
	Resident int64 // in bytes, once it has settled after the start
	Err      error
}

// perName is the memory of the whole process, shared out among the names.
func (m setMemory) perName() float64 { return float64(m.Resident) / float64(m.Names) }

// measureMemory starts configapi on a history of many names in each durable store, and measures its resident memory.
func measureMemory(ctx context.Context, r *rig, progress io.Writer) ([]setMemory, error) {
	var measured []setMemory
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		m := setMemory{Store: store, Names: memoryNames}
		m.Resident, m.Err = measureSet(ctx, r, store)
		if err := ctx.Err(); err != nil {
			return measured, err
		}
		if m.Err != nil {
			fmt.Fprintf(progress, "memory %-8s FAILED: %v\n", store, m.Err)
		} else {
			fmt.Fprintf(progress, "memory %-8s %.0f bytes a name\n", store, m.perName())
		}
		measured = append(measured, m)
	}
	return measured, nil
}

func measureSet(ctx context.Context, r *rig, store string) (resident int64, err error) {
	url, err := r.newStore(ctx, store, "memory")
	if err != nil {
		return 0, err
	}
	o := r.options
	o.Names, o.Events, o.NameSize, o.Size = memoryNames, memoryNames, memoryNameBytes, memoryValueSize
	if err := writeHistoryTo(ctx, store, url, o); err != nil {
		return 0, fmt.Errorf("writing a history: %w", err)
	}
	server, err := r.startConfigapi(ctx, store, url)
	if err != nil {
		return 0, err
	}
	defer stop(server.Process)
	return settledRSS(ctx, server.Process)
}

func (r *report) writeMemory(doc *document) {
	t := reports.Table{Head: []string{"store", "names", "resident", "bytes a name", "aim (at most)", "reached"}}
	for _, m := range r.Memory {
		row := []string{m.Store, fmt.Sprint(m.Names), failed, failed, fmt.Sprint(memoryAim), failed}
		if m.Err == nil {
			row[2], row[3] = fmt.Sprintf("%d MB", m.Resident/1e6), fmt.Sprintf("%.0f", m.perName())
			row[5] = yesNo(m.perName() <= memoryAim)
		}
		t.Add(row...)
	}
	doc.line("## Memory of a large set")
	doc.line(fmt.Sprintf("Resident memory of the process after the start, shared out among names of %d bytes with values of %d.",
		memoryNameBytes, memoryValueSize))
	doc.table(t)
}
