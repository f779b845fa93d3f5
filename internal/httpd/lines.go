package httpd

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"configapi/internal/requestid"
)

// answerBytes is the size of the buffer for the header lines of an answer. A short answer fits into
// it as a whole.
const answerBytes = 512

// callerLines are the lines of [setCallerHeaders].
const callerLines = "Cache-Control: private, no-store\r\nVary: Authorization\r\n"

// sendLines has the connection write the headers of the answer, except those that net/http reads.
// net/http copies its map of headers, sorts it and writes it piece by piece, which takes a tenth of
// the CPU of a read: see BenchmarkReads of internal/edgetest.
func (e *exchange) sendLines(h http.Header) {
	lines := appendLine(make([]byte, 0, answerBytes), requestid.Header, e.id)
	if e.varies {
		lines = append(lines, callerLines...)
		delete(h, "Cache-Control")
	}
	for name, values := range h {
		if isForServer(name) || slices.ContainsFunc(values, hasLineBreak) {
			continue
		}
		for _, value := range values {
			lines = appendLine(lines, name, value)
		}
		delete(h, name)
	}
	e.conn.lines = lines
}

// isForServer reports whether net/http decides by a header how it sends the answer, or may leave
// the header out.
func isForServer(name string) bool {
	switch name {
	case "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Transfer-Encoding":
		return true
	}
	return strings.HasPrefix(name, "Trailer")
}

// hasLineBreak reports whether net/http must clean the value of a header.
func hasLineBreak(value string) bool {
	return strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0
}

func appendLine(lines []byte, name, value string) []byte {
	lines = append(append(lines, name...), ": "...)
	return append(append(lines, value...), "\r\n"...)
}

// Write writes to the connection. The first write of an answer begins with its status line, behind
// which the lines of the answer go.
func (c *trackedConn) Write(p []byte) (int, error) {
	if c.lines == nil {
		return c.write(p)
	}
	lines, status := c.lines, bytes.IndexByte(p, '\n')+1
	c.lines = nil
	answer := append(slices.Insert(lines, 0, p[:status]...), p[status:]...)
	n, err := c.write(answer)
	return max(0, n-len(lines)), err // net/http only asks whether all was written
}
