package transport

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"configapi/internal/strictjson"
)

const wantBody = `the body must be a JSON object with "query", a string`

func (h *HTTP) readPost(r *http.Request, request *request) *fault {
	if f := checkContent(r.Header); f != nil {
		return f
	}
	if r.ContentLength > h.options.MaxBodyBytes {
		return h.tooLarge()
	}
	body, err := readBody(r.Body, request.body[:0], h.options.MaxBodyBytes)
	request.body = body
	if err != nil {
		return h.unreadable(err)
	}
	// Into fields of the request that are there already: Query stays set when it is missing, and is then empty.
	envelope := envelope{Query: &request.query, OperationName: &request.operationName}
	if err := strictjson.Decode(body, &envelope, envelopeOptions); err != nil {
		return refuseBody(body, err)
	}
	if envelope.isPersisted() {
		return persistedFault()
	}
	if envelope.Query == nil || *envelope.Query == "" {
		return invalidInput(wantBody)
	}
	request.params.Query = *envelope.Query
	request.params.OperationName = request.operationName
	request.params.Variables = envelope.Variables
	request.params.Extensions = envelope.Extensions
	return nil
}

// checkContent lets JSON in UTF-8 pass, as it is. Nothing else: forms and plain text are what a foreign page can send
// without asking, so accepting them would be an open door.
func checkContent(header http.Header) *fault {
	types := header["Content-Type"]
	if len(types) == 1 && types[0] == "application/json" && len(header["Content-Encoding"]) == 0 {
		return nil
	}
	unsupported := &fault{status: http.StatusUnsupportedMediaType, code: CodeInvalidInput, message: "the body must have the content type application/json, in UTF-8"}
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
			unsupported.message = "the body must come without a content encoding"
			return unsupported
		}
	}
	return nil
}

var errTooLarge = errors.New("body too large")

// readBody appends body to the buffer until it ends. What is announced is not believed: memory grows with what really comes.
func readBody(body io.Reader, buffer []byte, limit int64) ([]byte, error) {
	for {
		if len(buffer) == cap(buffer) {
			buffer = slices.Grow(buffer, max(1024, len(buffer)))
		}
		n, err := body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if int64(len(buffer)) > limit {
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

func (h *HTTP) tooLarge() *fault {
	return &fault{status: http.StatusRequestEntityTooLarge, code: CodeInvalidInput, hangUp: true,
		message: "the body must not be larger than " + strconv.FormatInt(h.options.MaxBodyBytes, 10) + " bytes"}
}

func (h *HTTP) unreadable(err error) *fault {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || err == errTooLarge {
		return h.tooLarge()
	}
	f := invalidInput("the body could not be read to its end")
	f.hangUp = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		f.status = http.StatusRequestTimeout
	}
	return f
}

func refuseBody(body []byte, err error) *fault {
	switch body := bytes.TrimLeft(body, " \t\r\n"); {
	case bytes.HasPrefix(body, []byte("[")):
		return invalidInput(wantBody + "; batches are not supported")
	case bytes.HasPrefix(body, []byte("{")):
		return invalidInput("the body is no GraphQL request: " + err.Error())
	default:
		return invalidInput(wantBody + ": " + err.Error())
	}
}
