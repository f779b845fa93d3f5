package main

import (
	"fmt"
	"slices"

	"configapi/test/reports"
)

// writeLarge writes a table of the large histories, with a column for each store.
func (r *report) writeLarge(doc *document) {
	t := reports.Table{Head: []string{""}}
	var rows []string
	figures := map[string][]string{} // :: what was measured → figure of each store
	for i, s := range r.Large {
		t.Head = append(t.Head, s.Store)
		facts := s.Facts
		if s.Err != nil {
			facts = append(slices.Clip(facts), largeFact{"the rest", failed})
		}
		for _, f := range facts {
			if figures[f.What] == nil {
				rows = append(rows, f.What)
				figures[f.What] = slices.Repeat([]string{notMeasured}, len(r.Large))
			}
			figures[f.What][i] = f.Figure
		}
	}
	for _, what := range rows {
		t.Add(append([]string{what}, figures[what]...)...)
	}
	doc.line("## Large and long")
	doc.line(fmt.Sprintf("A history of %d events of %d names of %d bytes with values of %d, by GraphQL and one client. One event in %d is of one name.",
		r.Options.LargeEvents, r.Options.LargeNames, memoryNameBytes, memoryValueSize, busyShare))
	doc.table(t)
}
