package gqlhttp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"configapi/graph/transport/gqlmsg"
)

// readBody appends the body of a request to a buffer. It returns the buffer also with a fault.
func readBody(r *http.Request, buffer []byte, maxBytes int64) ([]byte, *gqlmsg.Fault) {
	if f := checkContent(r.Header); f != nil {
		return buffer, f
	}
	if r.ContentLength > maxBytes {
		return buffer, tooLarge(maxBytes)
	}
	body, err := appendBody(buffer, r.Body, maxBytes)
	if err != nil {
		return body, unreadable(err, maxBytes)
	}
	return body, nil
}

// checkContent accepts JSON in UTF-8, without a coding, and nothing else. A foreign page can send
// forms and plain text without asking, so they must not be read.
func checkContent(header http.Header) *gqlmsg.Fault {
	types := header["Content-Type"]
	if len(types) == 1 && types[0] == "application/json" && len(header["Content-Encoding"]) == 0 {
		return nil // what nearly all clients send; parsing it costs 2 allocations (BenchmarkPost)
	}
	unsupported := &gqlmsg.Fault{Status: http.StatusUnsupportedMediaType, Code: gqlmsg.CodeInvalidInput,
		Message: "the body must have the content type application/json, in UTF-8"}
	if len(types) != 1 {
		return unsupported
	}
	name, params, err := mime.ParseMediaType(types[0])
	if err != nil || name != "application/json" {
		return unsupported
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return unsupported
	}
	for _, encoding := range header["Content-Encoding"] {
		if !strings.EqualFold(encoding, "identity") {
			unsupported.Message = "the body must come without a content encoding"
			return unsupported
		}
	}
	return nil
}

// buffers keep the memory of bodies and answers for later ones. Without them a read would allocate
// a quarter more bytes (BenchmarkPost).
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxRecycled is the largest buffer, in bytes, that is kept.
const maxRecycled = 64 << 10

func recycle(buffer *[]byte) {
	if cap(*buffer) <= maxRecycled {
		buffers.Put(buffer)
	}
}

var errTooLarge = errors.New("body too large")

// appendBody appends a body to a buffer until it ends. The announced length is not believed: memory
// grows with what really comes.
func appendBody(buffer []byte, body io.Reader, maxBytes int64) ([]byte, error) {
	for {
		if len(buffer) == cap(buffer) {
			buffer = slices.Grow(buffer, max(1024, len(buffer)))
		}
		n, err := body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if int64(len(buffer)) > maxBytes {
			return buffer, errTooLarge
		}
		if err == io.EOF {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
	}
}

func tooLarge(maxBytes int64) *gqlmsg.Fault {
	return &gqlmsg.Fault{Status: http.StatusRequestEntityTooLarge, Code: gqlmsg.CodeInvalidInput, HangUp: true,
		Message: "the body must not be larger than " + strconv.FormatInt(maxBytes, 10) + " bytes"}
}

func unreadable(err error, maxBytes int64) *gqlmsg.Fault {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || err == errTooLarge {
		return tooLarge(maxBytes)
	}
	f := gqlmsg.InvalidInput("the body could not be read to its end")
	f.HangUp = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		f.Status = http.StatusRequestTimeout
	}
	return f
}
