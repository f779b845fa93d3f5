package eventstream

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// ErrTooMany says that a stream may not begin, since the server has as many as it may have.
var ErrTooMany = errors.New("the server has as many streams as it may have; come back later")

// ErrTooManyOfAddress says that a stream may not begin, since its client's address has as many as
// it may have.
var ErrTooManyOfAddress = errors.New("this address has as many streams as it may have; end one first")

// DefaultMaxStreams is how many streams a server may have unless another number is set.
const DefaultMaxStreams = 100_000

// Limit bounds how many streams are open at a time. A server has one for its streams, whatever they
// are sent over, and one for its connections. A nil Limit bounds nothing. It is safe for concurrent
// use.
type Limit struct {
	total, perAddress int

	mu        sync.Mutex // guards the following
	open      int
	byAddress map[netip.Prefix]int // :: address, of IPv6 its /64 → its streams; loopback apart
}

// NewLimit returns a limit of streams in total (0: 100,000) and of one address (0: total). Streams
// of loopback addresses only count in the total. NewLimit panics when a number
// is negative.
func NewLimit(total, perAddress int) *Limit {
	if total < 0 || perAddress < 0 {
		panic(fmt.Sprintf("eventstream: negative limit: %d streams, %d of one address", total, perAddress))
	}
	total = cmp.Or(total, DefaultMaxStreams)
	return &Limit{total: total, perAddress: cmp.Or(perAddress, total), byAddress: make(map[netip.Prefix]int)}
}

// Client is the address of a client as a [Limit] counts it. A client with one IPv6 address usually
// has all 2^64 of its /64.
type Client struct{ prefix netip.Prefix }

// ClientOf returns the client of a remote address as net/http has it. One that is no IP address
// counts in the total alone.
func ClientOf(remote string) Client {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	address = address.Unmap().WithZone("")
	if err != nil || address.IsLoopback() {
		return Client{}
	}
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits) // fails on numbers of bits that an address does not have
	return Client{prefix}
}

// Open counts one more stream, which must be closed. The error is [ErrTooMany] or
// [ErrTooManyOfAddress]; nothing is counted then.
func (l *Limit) Open(c Client) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.total {
		return ErrTooMany
	}
	if c.prefix.IsValid() {
		if l.byAddress[c.prefix] >= l.perAddress {
			return ErrTooManyOfAddress
		}
		l.byAddress[c.prefix]++
	}
	l.open++
	return nil
}

// Close counts one stream less.
func (l *Limit) Close(c Client) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if !c.prefix.IsValid() {
		return
	}
	if l.byAddress[c.prefix]--; l.byAddress[c.prefix] == 0 {
		delete(l.byAddress, c.prefix)
	}
}

// Count returns how many streams are open.
func (l *Limit) Count() int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}
