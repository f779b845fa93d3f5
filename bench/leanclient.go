package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// maxBody is the largest answer that the lean client takes.
const maxBody = 1 << 20

// leanClient speaks just enough HTTP/1.1 over one keep-alive connection to load a server on the same machine without
// taking much of its CPU: bytes built beforehand go out, and an answer must have a Content-Length and leave the
// connection open. Everything else is an error, never guessed at. Not safe for concurrent use.
type leanClient struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte // of the last answer, reused
}

// dialLean connects. The deadline holds for the whole life of the connection: setting one per request would cost
// more than it tells.
func dialLean(address string, deadline time.Time) (*leanClient, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &leanClient{conn: conn, reader: bufio.NewReader(conn)}, nil
}

func (c *leanClient) Close() error { return c.conn.Close() }

// roundTrip sends a request and returns the answer. body is valid until the next call.
func (c *leanClient) roundTrip(request []byte) (status int, body []byte, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	return c.readAnswer()
}

// readAnswer reads one answer with its body.
func (c *leanClient) readAnswer() (status int, body []byte, err error) {
	line, err := c.line()
	if err != nil {
		return 0, nil, fmt.Errorf("reading the status line: %w", err)
	}
	if status, err = parseStatus(line); err != nil {
		return 0, nil, err
	}
	length, err := c.readHeaders()
	if err != nil {
		return 0, nil, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	body = c.body[:length]
	if _, err := io.ReadFull(c.reader, body); err != nil {
		return 0, nil, fmt.Errorf("reading a body of %d bytes: %w", length, err)
	}
	return status, body, nil
}

// readHeaders reads up to the empty line and returns the length of the body.
func (c *leanClient) readHeaders() (length int, err error) {
	length = -1
	for {
		line, err := c.line()
		if err != nil {
			return 0, fmt.Errorf("reading the headers: %w", err)
		}
		if len(line) == 0 {
			break
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return 0, fmt.Errorf("header line without a colon: %q", line)
		}
		value = bytes.TrimSpace(value)
		switch {
		case isHeader(key, "content-length"):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxBody {
				return 0, fmt.Errorf("answer with Content-Length %q", value)
			}
		case isHeader(key, "transfer-encoding"):
			return 0, fmt.Errorf("answer with Transfer-Encoding %q: this client needs a Content-Length", value)
		case isHeader(key, "connection") && bytes.EqualFold(value, []byte("close")):
			return 0, errors.New("the server closes the connection: this client needs keep-alive")
		}
	}
	if length < 0 {
		return 0, errors.New("answer without Content-Length")
	}
	return length, nil
}

// isHeader compares a header's name without regard to case; the length is looked at first, since most differ there.
func isHeader(key []byte, lower string) bool {
	return len(key) == len(lower) && bytes.EqualFold(key, []byte(lower))
}

// line reads up to CR LF and returns what stands before it, valid until the next read.
func (c *leanClient) line() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return nil, fmt.Errorf("line without CR LF: %q", line)
	}
	return text, nil
}

// parseStatus reads "HTTP/1.1 200 OK". Interim answers (1xx) are refused: nothing here asks for one.
func parseStatus(line []byte) (int, error) {
	const prefix = "HTTP/1.1 "
	if len(line) < len(prefix)+3 || string(line[:len(prefix)]) != prefix {
		return 0, fmt.Errorf("not a status line of HTTP/1.1: %q", line)
	}
	status, err := strconv.Atoi(string(line[len(prefix) : len(prefix)+3]))
	if err != nil || status < 200 || status > 599 {
		return 0, fmt.Errorf("unexpected status in %q", line)
	}
	return status, nil
}
