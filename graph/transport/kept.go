package transport

import (
	"encoding/json"
	"net/http"
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

	noRoomForSubscription = "the server has no memory left for further subscriptions of this size; make its document and its variables shorter, or try again later"
)

// kept is what subscriptions hold in memory while they last: their documents and variables.
type kept struct {
	room *budget.Budget

	mu        sync.Mutex // guards what is below
	documents map[*ast.QueryDocument]*keptDocument
}

// keptDocument is a parsed document, which the cache gives to all who send the same text.
type keptDocument struct {
	room  budget.Reservation
	users int
}

// holding is the share of one subscription, or of a group of equal ones.
type holding struct {
	kept     *kept
	document *ast.QueryDocument
	room     budget.Reservation // of the variables, and of the text
	holders  atomic.Int32
}

// hold takes room for a subscription, once for each document, and does not wait. The holding has
// one holder.
func (k *kept) hold(operation *graphql.OperationContext) (*holding, *fault) {
	variables, err := json.Marshal(operation.Variables)
	if err != nil {
		panic(err) // they were JSON before
	}
	h := &holding{kept: k, document: operation.Doc}
	k.room.Open(&h.room)
	if !h.room.TryGrow(int64(len(operation.RawQuery) + variableCopies*len(variables))) {
		return nil, faultOfKept()
	}
	if !k.use(h.document, operation.RawQuery) {
		h.room.Release()
		return nil, faultOfKept()
	}
	h.holders.Store(1)
	return h, nil
}

func faultOfKept() *fault {
	return &fault{status: http.StatusServiceUnavailable, code: CodeUnavailable, message: noRoomForSubscription}
}

func (k *kept) use(document *ast.QueryDocument, text string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.documents[document]
	if d == nil {
		d = new(keptDocument)
		k.room.Open(&d.room)
		if !d.room.TryGrow(int64(len(text) + nameBytes*countNames(text))) {
			return false
		}
		if k.documents == nil {
			k.documents = make(map[*ast.QueryDocument]*keptDocument)
		}
		k.documents[document] = d
	}
	d.users++
	return true
}

func (k *kept) drop(document *ast.QueryDocument) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.documents[document]
	if d.users--; d.users == 0 {
		d.room.Release()
		delete(k.documents, document)
	}
}

// retain adds a holder. It returns false when the last one has gone meanwhile.
func (h *holding) retain() bool {
	for h != nil {
		holders := h.holders.Load()
		if holders == 0 {
			return false
		}
		if h.holders.CompareAndSwap(holders, holders+1) {
			return true
		}
	}
	return false
}

// release removes a holder. The last one gives the room back.
func (h *holding) release() {
	if h != nil && h.holders.Add(-1) == 0 {
		h.room.Release()
		h.kept.drop(h.document)
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

// hold has the stream keep the holding until its id is free again. It returns false when that is so
// already.
func (s *socket) hold(st *stream, h *holding) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[st.id] != st {
		h.release()
		return false
	}
	st.member.holding.Store(h)
	return true
}

// share gives up the member's own holding for that of its group.
func (m *member) share(of *holding) {
	own := m.holding.Load()
	if own == nil || own == of || !of.retain() {
		return // the stream has ended, or it is the group's first
	}
	if m.holding.CompareAndSwap(own, of) {
		own.release()
	} else {
		of.release()
	}
}
