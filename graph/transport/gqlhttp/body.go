package gqlhttp

import (
	"net/http"
	"sync"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/content"
)

// accepted is JSON with a content type that says so. A foreign page can send forms, plain text and
// bodies without a type without asking, so they must not be read.
var accepted = content.Accepted{Types: []string{content.JSON}, Want: "JSON in UTF-8, sent as " + content.JSON}

// readBody appends the body of a request to a buffer. It returns the buffer also with a fault.
func readBody(w http.ResponseWriter, r *http.Request, buffer []byte, maxBytes int64) ([]byte, *gqlmsg.Fault) {
	refused := accepted.Check(r.Header)
	if refused == nil {
		buffer, refused = content.Read(buffer, w, r, maxBytes)
	}
	if refused != nil {
		return buffer, &gqlmsg.Fault{Kind: refused.Kind, Message: refused.Detail, HangUp: refused.Unread()}
	}
	return buffer, nil
}

// buffers keep the memory of bodies and answers for later ones. Without them a read would allocate
// a quarter more bytes (BenchmarkPost).
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxRecycled is the largest buffer, in bytes, that is kept. It holds most change sets.
const maxRecycled = 256 << 10

func recycle(buffer *[]byte) {
	if cap(*buffer) <= maxRecycled {
		buffers.Put(buffer)
	}
}
