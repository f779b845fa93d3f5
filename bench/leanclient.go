package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"
)

// maxBody is the length of the longest answer that the lean client accepts.
const maxBody = 16 << 20

// leanClient speaks a minimum of HTTP/1.1 on one keep-alive connection, so that the load uses
// little CPU: it sends prepared bytes, and an answer must have a Content-Length or come in chunks,
// and keep the connection open. Anything else is an error. It is not safe for concurrent use.
type leanClient struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte // of the last answer; reused
}

// dialLean connects. The deadline is for the whole life of the connection, since one per request
// would cost CPU time.
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
	c.body = c.body[:0]
	if length == inChunks {
		err = c.readChunks()
	} else {
		err = c.readBody(length)
	}
	return status, c.body, err
}

// readBody adds so many bytes to the body.
func (c *leanClient) readBody(length int) error {
	begin := len(c.body)
	if begin+length > maxBody {
		return fmt.Errorf("answer with more than %d bytes", maxBody)
	}
	c.body = slices.Grow(c.body, length)[:begin+length]
	if _, err := io.ReadFull(c.reader, c.body[begin:]); err != nil {
		return fmt.Errorf("reading %d bytes of a body: %w", length, err)
	}
	return nil
}

// readChunks reads a body that comes in chunks, without extensions and trailers.
func (c *leanClient) readChunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return fmt.Errorf("reading the length of a chunk: %w", err)
		}
		length, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return fmt.Errorf("chunk with the length %q", line)
		}
		if err := c.readBody(int(length)); err != nil {
			return err
		}
		end, err := c.line()
		switch {
		case err != nil:
			return fmt.Errorf("reading the end of a chunk: %w", err)
		case len(end) > 0:
			return fmt.Errorf("chunk of %d bytes that ends with %q", length, end)
		case length == 0:
			return nil
		}
	}
}

// inChunks is the length of a body that comes in chunks.
const inChunks = -2

// readHeaders reads up to the empty line, and returns the length of the body, or inChunks.
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
			if length = inChunks; string(value) != "chunked" {
				return 0, fmt.Errorf("answer with Transfer-Encoding %q", value)
			}
		case isHeader(key, "connection") && bytes.EqualFold(value, []byte("close")):
			return 0, errors.New("the server closes the connection: this client needs keep-alive")
		}
	}
	if length == -1 {
		return 0, errors.New("answer without Content-Length")
	}
	return length, nil
}

// isHeader compares the name of a header in any letter case. It compares the length first, since
// most differ there.
func isHeader(key []byte, lower string) bool {
	return len(key) == len(lower) && bytes.EqualFold(key, []byte(lower))
}

// line returns the text up to CR LF, valid until the next read.
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

// parseStatus parses "HTTP/1.1 200 OK". It refuses interim responses (1xx), which nothing here
// requests.
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
