package document

import (
	"maps"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// cacheBytes is how much memory the checked documents of a cache may take.
	cacheBytes = 16 << 20
	// maxCachedDocument is the longest document that is cached, in bytes. Longer ones hold large
	// values in their text, and rarely come twice.
	maxCachedDocument = 16 << 10
	// wordBytes is about what a parsed document takes for each word of its text, in bytes.
	wordBytes = 600
)

// checked is a document that is within the limits and valid. It is immutable.
type checked struct {
	document   *ast.QueryDocument
	operations map[*ast.OperationDefinition]known
}

// known is what was found out about an operation, whatever its variables are.
type known struct {
	affordable bool // it costs no more than it may
	prepared   any  // what [Options.Prepare] has returned
}

// cache keeps checked documents by their text. When it is full it drops those that were not asked
// for the longest. It is safe for concurrent use.
type cache struct {
	maxBytes int

	mu         sync.Mutex // guards the following
	documents  *simplelru.LRU[string, *checked]
	operations map[*ast.OperationDefinition]known // those of the documents
	bytes      int
}

func newCache(maxBytes int) *cache {
	documents, err := simplelru.NewLRU[string, *checked](maxBytes, nil) // the bytes are the bound
	if err != nil {
		panic(err) // maxBytes is not positive
	}
	return &cache{maxBytes: maxBytes, documents: documents, operations: make(map[*ast.OperationDefinition]known)}
}

// get returns the document of a text, nil if the cache does not have it.
func (c *cache) get(text string) *checked {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, _ := c.documents.Get(text)
	return found
}

// operation returns what is known about an operation of a document, and whether the cache has it.
func (c *cache) operation(op *ast.OperationDefinition) (found known, has bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, has = c.operations[op]
	return found, has
}

// add keeps the document of a text, unless the text is too long.
func (c *cache) add(text string, d *checked) {
	if len(text) > maxCachedDocument {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.documents.Contains(text) { // it came twice at once
		return
	}
	c.documents.Add(text, d)
	maps.Copy(c.operations, d.operations)
	for c.bytes += sizeOf(text); c.bytes > c.maxBytes; {
		oldest, dropped, _ := c.documents.RemoveOldest()
		c.bytes -= sizeOf(oldest)
		for op := range dropped.operations {
			delete(c.operations, op)
		}
	}
}

// sizeOf returns about how many bytes a document takes, with its text.
func sizeOf(text string) int {
	words, inWord := 1, false
	for i := range len(text) {
		isWord := isWordByte(text[i])
		if isWord && !inWord {
			words++
		}
		inWord = isWord
	}
	return len(text) + wordBytes*words
}
