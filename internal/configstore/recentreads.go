package configstore

import (
	"sync"

	"configapi/internal/eventstore"
)

// recentReads keeps what was read last of the history, for the look-ups of old values: readers go
// through the history page by page, so the version before a change is often in an earlier page.
// Without it a stream that catches up takes up to 2.5 times as much CPU: see BenchmarkHistory. All
// readers of a generation share it. What it keeps stays true as long as the history contains the
// basis of a read; only erased values go.
type recentReads struct {
	mu    sync.Mutex // guards what is below
	known map[eventstore.VersionOf]*eventstore.Record
	order []*eventstore.Record // of known, oldest first
	bytes int                  // of the names and the data in known
}

// maxRecentReads and maxRecentBytes bound what is kept: about 8 MiB in all.
const maxRecentReads, maxRecentBytes = 16_384, 4 << 20

func newRecentReads() *recentReads {
	return &recentReads{known: make(map[eventstore.VersionOf]*eventstore.Record)}
}

// add keeps records, and forgets the oldest ones.
func (c *recentReads) add(records []eventstore.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records { // copies: a pointer to one would keep its whole page in memory
		v := eventstore.VersionOf{Name: r.Name, Version: r.Version}
		if _, known := c.known[v]; known || len(r.Data) > maxRecentBytes/16 {
			continue
		}
		c.known[v] = &r
		c.order = append(c.order, &r)
		c.bytes += len(r.Name) + len(r.Data)
	}
	for len(c.order) > maxRecentReads || c.bytes > maxRecentBytes {
		oldest := c.order[0]
		c.bytes -= len(oldest.Name) + len(oldest.Data)
		delete(c.known, eventstore.VersionOf{Name: oldest.Name, Version: oldest.Version})
		c.order[0], c.order = nil, c.order[1:]
	}
}

// find returns for each of the versions its record if that is kept, else nil, and the versions that
// are not kept, in their order.
func (c *recentReads) find(versions []eventstore.VersionOf, isErased func(eventstore.Seq) bool) (kept []*eventstore.Record, missing []eventstore.VersionOf) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept = make([]*eventstore.Record, len(versions))
	for i, v := range versions {
		if r := c.known[eventstore.VersionOf{Name: v.Name, Version: v.Version}]; r != nil && !isErased(r.Seq) {
			kept[i] = r
		} else {
			missing = append(missing, v)
		}
	}
	return kept, missing
}

// inOrder returns the records of versions that are kept or were read, in the order asked, up to a
// limit. The page that was read may have ended early.
func inOrder(versions []eventstore.VersionOf, kept []*eventstore.Record, read []eventstore.Record, limit eventstore.Limit) []eventstore.Record {
	cut := limit.Fills(read)
	limit = limit.WithDefaults()
	found, bytes := make([]eventstore.Record, 0, len(versions)), 0
	for i, v := range versions {
		r := kept[i]
		switch {
		case r != nil:
		case len(read) > 0 && read[0].Name == v.Name && read[0].Version == v.Version:
			r, read = &read[0], read[1:]
		case len(read) == 0 && cut: // the next page has it
			return found
		default: // the history does not have it
			continue
		}
		found = append(found, *r)
		if bytes += len(r.Data); len(found) >= limit.Records || bytes >= limit.Bytes {
			return found
		}
	}
	return found
}
