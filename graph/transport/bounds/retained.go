package bounds

import (
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/budget"
)

const (
	// nameBytes is about what a parsed document takes for each of its names, in bytes.
	nameBytes = 600
	// variableCopies is about how often the variables of a subscription are in memory: decoded, as
	// the key of its group, and as what the store waits for.
	variableCopies = 4

	// MaxSubscriptionBytes is the largest request, in bytes, that a subscription may come with.
	MaxSubscriptionBytes = 64 << 10
	// SubscriptionTooLarge is the message for a subscription that is larger.
	SubscriptionTooLarge = "a subscription, with its variables, must not be larger than 65536 bytes"
	// noMemoryForSubscription is the message when there is no memory for a subscription.
	noMemoryForSubscription = "the server has no memory left for further subscriptions of this size; make its document and its variables shorter, or try again later"
)

// Retained is the memory that one subscription, or a group of equal ones, keeps while it lasts: its
// document and its variables. It has one or several holders. A nil *Retained keeps nothing.
type Retained struct {
	documents *documents
	document  *ast.QueryDocument
	bytes     budget.Reservation // of the variables, and of the text
	holders   atomic.Int32
}

// retain reserves what a subscription keeps. It does not wait. It returns nil when there is no
// memory for it.
func (d *documents) retain(operation *graphql.OperationContext) *Retained {
	variables, err := json.Marshal(operation.Variables)
	if err != nil {
		panic(err) // they were JSON before
	}
	r := &Retained{documents: d, document: operation.Doc}
	d.budget.Open(&r.bytes)
	if !r.bytes.TryGrow(int64(len(operation.RawQuery) + variableCopies*len(variables))) {
		return nil
	}
	if !d.use(r.document, operation.RawQuery) {
		r.bytes.Release()
		return nil
	}
	r.holders.Store(1)
	return r
}

// Share adds a holder. It reports false when the last one has gone meanwhile.
func (r *Retained) Share() bool {
	for r != nil {
		holders := r.holders.Load()
		if holders == 0 {
			return false
		}
		if r.holders.CompareAndSwap(holders, holders+1) {
			return true
		}
	}
	return false
}

// Release removes a holder. The last one gives the bytes back.
func (r *Retained) Release() {
	if r != nil && r.holders.Add(-1) == 0 {
		r.bytes.Release()
		r.documents.drop(r.document)
	}
}

// documents are the parsed documents that subscriptions use.
type documents struct {
	budget *budget.Budget

	mu    sync.Mutex // guards inUse
	inUse map[*ast.QueryDocument]*document
}

// document is a parsed document. The cache gives it to all clients that send the same text.
type document struct {
	bytes budget.Reservation
	users int
}

func (d *documents) use(parsed *ast.QueryDocument, text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	used := d.inUse[parsed]
	if used == nil {
		used = new(document)
		d.budget.Open(&used.bytes)
		if !used.bytes.TryGrow(int64(len(text) + nameBytes*countNames(text))) {
			return false
		}
		if d.inUse == nil {
			d.inUse = make(map[*ast.QueryDocument]*document)
		}
		d.inUse[parsed] = used
	}
	used.users++
	return true
}

func (d *documents) drop(parsed *ast.QueryDocument) {
	d.mu.Lock()
	defer d.mu.Unlock()
	used := d.inUse[parsed]
	if used.users--; used.users == 0 {
		used.bytes.Release()
		delete(d.inUse, parsed)
	}
}

// countNames counts what looks like a name or a number in a document, comments left out.
func countNames(document string) (count int) {
	inName := false
	for i := 0; i < len(document); i++ {
		c := document[i]
		if c == '#' {
			for i < len(document) && document[i] != '\n' {
				i++
			}
			inName = false
			continue
		}
		isName := c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if isName && !inName {
			count++
		}
		inName = isName
	}
	return count
}
