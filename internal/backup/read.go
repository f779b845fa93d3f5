package backup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// maxLineBytes is how long a line may be. The data of a value of 4 MiB, the largest that a server
// takes, has up to 6 times as many bytes, and its line 7 times as many.
const maxLineBytes = 32 << 20

const (
	// batchRecords and batchBytes fill a batch; it then goes on to the end of the change set.
	batchRecords = 8192
	batchBytes   = 4 << 20
	// maxBatchRecords and maxBatchBytes end a batch inside a change set that is larger than any
	// that a server writes.
	maxBatchRecords = 2 * batchRecords
	maxBatchBytes   = 8 * batchBytes
)

// Reader reads a backup in batches and verifies it meanwhile. It holds one batch and one line in
// memory, whatever the file holds.
type Reader struct {
	in     *bufio.Reader
	line   []byte // the present line, if it is longer than the buffer of in
	number int    // of the present line
	lines  lineReader
	chain  eventstore.Chain
	codec  config.Codec
	erased eventstore.Erasures
	target eventstore.Head // its time is only known at the end
	at     eventstore.Head // of the last event that was read
	whole  bool            // the last line was read, and nothing follows
}

// DamagedError says that a file is no whole backup: it was cut off, changed, or is another file.
type DamagedError struct {
	Line    int // counted from 1
	Problem string
	Cause   error // may be nil
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the backup is damaged at line %d: %s", e.Line, e.Problem)
}

func (e *DamagedError) Unwrap() error { return e.Cause }

// NewReader reads the first line of a backup. The codec knows which events erase others.
func NewReader(in io.Reader, codec config.Codec) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, flushBytes), codec: codec}
	line, err := r.next()
	if err != nil {
		return nil, err
	}
	if r.target, err = parseHeader(line); err != nil {
		return nil, r.damaged(err)
	}
	return r, nil
}

// Target returns the head that the backup leads to, as its first line says, without its time.
func (r *Reader) Target() eventstore.Head { return r.target }

// Next returns the next events: whole change sets, if each has no more than a few thousand events.
// The error is [io.EOF] after the last event, when the end of the file has proved that the backup
// is whole. Every other error is a [*DamagedError] or an error of reading the file.
func (r *Reader) Next() ([]eventstore.Record, error) {
	if r.whole {
		return nil, io.EOF
	}
	batch, end, err := r.batch()
	if err == nil {
		err = r.verify(batch)
	}
	if err == nil && end != nil {
		err = r.end(end)
	}
	switch {
	case err != nil:
		return nil, err
	case len(batch) == 0:
		return nil, io.EOF
	}
	return batch, nil
}

// batch reads the lines of a batch. end is the last line of the backup if it was reached, else nil.
func (r *Reader) batch() (batch []eventstore.Record, end []byte, err error) {
	batch = make([]eventstore.Record, 0, min(batchRecords+1000, r.target.Seq-r.at.Seq))
	for bytes := 0; !isFull(batch, bytes); {
		line, err := r.next()
		if err != nil {
			return nil, nil, err
		}
		if isHead(line) {
			return batch, line, nil
		}
		record, err := r.lines.record(line)
		if err == nil && record.Seq > r.target.Seq {
			err = fmt.Errorf("it is beyond position %d, where the backup ends by its first line", r.target.Seq)
		}
		if err != nil {
			return nil, nil, r.damaged(err)
		}
		batch = append(batch, record)
		bytes += len(record.Data)
	}
	return batch, nil, nil
}

// isFull reports whether a batch is full and ends with a change set, or is much too large.
func isFull(batch []eventstore.Record, bytes int) bool {
	if len(batch) < batchRecords && bytes < batchBytes {
		return false
	}
	last := &batch[len(batch)-1]
	return last.Seq == last.ChangeSet || len(batch) >= maxBatchRecords || bytes >= maxBatchBytes
}

// verify checks that a batch follows what was read before.
func (r *Reader) verify(batch []eventstore.Record) (err error) {
	if r.at, err = r.chain.Verify(r.at, batch); err != nil {
		return broken(err)
	}
	if err = r.erased.AddRecords(r.codec, batch); err != nil && !errors.As(err, new(*eventstore.ChainError)) {
		return r.damaged(err)
	}
	return broken(err)
}

// broken says in which line an event stands that does not belong there.
func broken(err error) error {
	var chain *eventstore.ChainError
	if errors.As(err, &chain) {
		// The event at a position stands one line further down.
		return &DamagedError{int(chain.Seq) + 1, fmt.Sprintf("position %d: %s", chain.Seq, chain.Problem), err}
	}
	return err
}

// end checks that a line is the last one that belongs to what was read, that an event says so of
// each value that was erased, and that nothing follows.
func (r *Reader) end(line []byte) error {
	want, err := appendHead(nil, r.at)
	if err != nil || !r.at.Same(r.target) || !bytes.Equal(line, want) {
		return r.damaged(fmt.Errorf("the backup does not end at %s, as its first line says", r.target.Position()))
	}
	if err := r.erased.Unexplained(); err != nil {
		return broken(err)
	}
	switch _, err := r.in.ReadByte(); {
	case err == nil:
		r.number++
		return r.damaged(errors.New("something follows the end of the backup"))
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("reading beyond the end of the backup: %w", err)
	}
	r.whole = true
	return nil
}

// next reads one line with its line feed. It is valid until the next call.
func (r *Reader) next() ([]byte, error) {
	r.number++
	r.line = r.line[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		switch {
		case err == nil && len(r.line) == 0:
			return part, nil
		case len(r.line)+len(part) > maxLineBytes:
			return nil, r.damaged(fmt.Errorf("it has more than %d bytes", maxLineBytes))
		case err == nil:
			return append(r.line, part...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			r.line = append(r.line, part...)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, r.damaged(errors.New("the file ends before the backup does: it was cut off"))
		default:
			return nil, fmt.Errorf("reading line %d of the backup: %w", r.number, err)
		}
	}
}

func (r *Reader) damaged(cause error) error { return &DamagedError{r.number, cause.Error(), cause} }
