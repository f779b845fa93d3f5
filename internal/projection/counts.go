package projection

import "sync"

// maxCounts is how many counts a view keeps.
const maxCounts = 4096

// counts keeps how many configs of a view exist below prefixes, so that a caller with many grants
// costs that once for each view: each count takes about a microsecond. The zero value is ready to
// use. It is safe for concurrent use.
type counts struct {
	mu    sync.Mutex     // guards known
	known map[string]int // :: prefix → how many names there are at it and below it
}

// of returns how many names a tree, always the same, has at some prefixes and below them. Of two
// prefixes none is below the other.
func (c *counts) of(t *tree, prefixes []string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, prefix := range prefixes {
		count, known := c.known[prefix]
		if !known {
			count = countWithin(t, prefix)
			if c.known == nil {
				c.known = make(map[string]int)
			}
			if len(c.known) < maxCounts {
				c.known[prefix] = count
			}
		}
		n += count
	}
	return n
}
