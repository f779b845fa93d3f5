package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
)

// logFile is a write-ahead log, opened as a plain file. Its format is that of
// https://sqlite.org/fileformat2.html#walformat.
type logFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
}

const (
	logHeaderBytes, frameHeaderBytes = 32, 24
	logMagic                         = 0x377f0682 // or this plus 1
)

// salt is a number that changes each time the log starts over. The zero salt is that of an empty
// log.
type salt [8]byte

// readSalt returns the salt of a log.
func readSalt(log io.ReaderAt) (s salt, err error) {
	var header [logHeaderBytes]byte
	if _, err := log.ReadAt(header[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return salt{}, nil
		}
		return salt{}, err
	}
	copy(s[:], header[16:24])
	return s, nil
}

// page is one page of the database as it is in the log.
type page struct {
	number uint32
	data   []byte // valid until the next page
}

// readCommitted calls each for all pages of a log that SQLite would replay: those of committed
// transactions, up to the first damaged frame.
func readCommitted(log io.ReaderAt, each func(page)) error {
	var header [logHeaderBytes]byte
	if _, err := log.ReadAt(header[:], 0); err != nil {
		return endOfLog(err)
	}
	magic, size := binary.BigEndian.Uint32(header[0:]), int64(binary.BigEndian.Uint32(header[8:]))
	if magic&^1 != logMagic || size < 512 || size > 65536 {
		return nil
	}
	sum := checksum{order: binary.LittleEndian}
	if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	sum.add(header[:24])
	if !sum.is(header[24:]) {
		return nil
	}
	pages := committed{log: log, size: size, salt: salt(header[16:24]), sum: sum}
	end, err := pages.find()
	if err != nil {
		return err
	}
	return pages.visit(end, each)
}

// committed reads the frames of a log up to the last commit.
type committed struct {
	log  io.ReaderAt
	size int64 // of a page
	salt salt
	sum  checksum // of the header of the log
}

// find returns how many frames the log has up to the last commit.
func (c committed) find() (end int64, err error) {
	frame := make([]byte, frameHeaderBytes+c.size)
	for n := int64(0); ; n++ {
		if err := c.read(n, frame); err != nil {
			return end, endOfLog(err)
		}
		if salt(frame[8:16]) != c.salt {
			return end, nil
		}
		c.sum.add(frame[:8])
		c.sum.add(frame[frameHeaderBytes:])
		if !c.sum.is(frame[16:24]) {
			return end, nil
		}
		if binary.BigEndian.Uint32(frame[4:]) != 0 { // the frame commits
			end = n + 1
		}
	}
}

func (c committed) visit(end int64, each func(page)) error {
	frame := make([]byte, frameHeaderBytes+c.size)
	for n := range end {
		if err := c.read(n, frame); err != nil {
			return err
		}
		each(page{binary.BigEndian.Uint32(frame), frame[frameHeaderBytes:]})
	}
	return nil
}

func (c committed) read(n int64, frame []byte) error {
	_, err := c.log.ReadAt(frame, logHeaderBytes+n*int64(len(frame)))
	return err
}

func endOfLog(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// checksum is the running checksum over the frames of a log.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c.s0 += c.order.Uint32(b) + c.s1
		c.s1 += c.order.Uint32(b[4:]) + c.s0
	}
}

func (c *checksum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == c.s0 && binary.BigEndian.Uint32(stored[4:]) == c.s1
}

// rewriteLog writes a log over itself and calls fsync. After a failed fsync the page cache of Linux
// may hold pages that are not on disk and that no later fsync writes, unless they are written
// again.
func rewriteLog(log logFile) error {
	buffer := make([]byte, 1<<20)
	for at := int64(0); ; {
		n, err := log.ReadAt(buffer, at)
		if n > 0 {
			if _, err := log.WriteAt(buffer[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			return log.Sync()
		}
		if err != nil {
			return err
		}
	}
}
