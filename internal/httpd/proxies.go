package httpd

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"configapi/internal/eventstream"
	"configapi/internal/excerpt"
	"configapi/internal/fault"
)

// forwardedFor is the header in which each proxy appends the address that it was called from.
const forwardedFor = "X-Forwarded-For"

const (
	// maxHops is how many addresses of X-Forwarded-For are read.
	maxHops = 16
	// maxHopBytes is the longest address with a port that is read.
	maxHopBytes = 64
)

// Proxies are the addresses of the proxies in front of a server. What X-Forwarded-For says is
// believed when one of them sends it. nil: there are none, and the header changes nothing.
type Proxies struct{ trusted []netip.Prefix }

// ParseProxies reads IP addresses and prefixes such as 10.0.0.0/8. It returns nil for none. A
// prefix of all addresses is an error, since everyone could then give any address.
func ParseProxies(texts []string) (*Proxies, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	p := new(Proxies)
	for _, text := range texts {
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an IP address nor a prefix such as 10.0.0.0/8", excerpt.Of(text, maxHopBytes))
		}
		if prefix.Bits() == 0 {
			return nil, fmt.Errorf("%s would trust every address, so that clients could give any; name the proxies alone", prefix)
		}
		p.trusted = append(p.trusted, prefix)
	}
	return p, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") { // a zone can contain a slash: fe80::1%eth0/64 is no address
		address, err := netip.ParseAddr(text)
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), err
	}
	prefix, err := netip.ParsePrefix(text)
	if address := prefix.Addr(); address.Is4In6() {
		prefix = netip.PrefixFrom(address.Unmap(), max(prefix.Bits()-96, 0)) // 0: all of IPv4 is in it
	}
	return prefix.Masked(), err
}

// trust reports whether an address is that of a proxy.
func (p *Proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// isProxy reports whether a connection with this remote address comes from a proxy.
func (p *Proxies) isProxy(remote string) bool {
	if p == nil {
		return false
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return err == nil && p.trust(address.Unmap().WithZone(""))
}

// clientOf returns the address of the client that a proxy has sent a request for: of those in
// X-Forwarded-For the last one that is not a proxy's, or the first one when all are. ok is false if
// there is none, or if one behind it is no address: then nobody but the proxy itself is known.
func (p *Proxies) clientOf(h http.Header) (client netip.Addr, ok bool) {
	lines, hops := h[forwardedFor], 0
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			var hop string
			line, hop, more = cutLast(line)
			address, err := parseHop(hop)
			if hops++; err != nil || hops > maxHops {
				return netip.Addr{}, false
			}
			if client, ok = address, true; !p.trust(address) {
				return client, true
			}
		}
	}
	return client, ok
}

// cutLast cuts the last element off a list with commas. more reports whether the list has others.
func cutLast(list string) (before, last string, more bool) {
	comma := strings.LastIndexByte(list, ',')
	if comma < 0 {
		return "", list, false
	}
	return list[:comma], list[comma+1:], true
}

// parseHop reads an address as proxies write it: some add the port.
func parseHop(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxHopBytes {
		return netip.Addr{}, fmt.Errorf("an address has more than %d bytes", maxHopBytes)
	}
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text += ":0" // an address in brackets is read as one that has a port
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), err
}

// identify gives a request that a trusted proxy has sent the address of its client, without a port:
// for the log, and for all that is counted by address.
func (s *Server) identify(e *exchange, r *http.Request, conn *connInfo) {
	if e.proxied = s.opts.Proxies.isProxy(r.RemoteAddr); e.proxied {
		if client, ok := s.opts.Proxies.clientOf(r.Header); ok {
			r.RemoteAddr = client.String()
		}
	} else if conn.remote.Load() != nil {
		return // the requests of a connection are all of one client
	}
	remote := r.RemoteAddr
	conn.remote.Store(&remote)
}

// admitClient counts a request that a trusted proxy has sent as a connection of its client, and so
// each request of HTTP/2, since one connection has many of them at a time. It reports whether the
// client may have one more. If not, it has answered the request.
func (s *Server) admitClient(e *exchange, r *http.Request) bool {
	if !e.proxied && !isMultiplexed(r) {
		return true // the listener has counted its connection
	}
	if s.clients.Open(eventstream.ClientOf(r.RemoteAddr)) != nil {
		s.opts.Metrics.refused(refusedAddress)
		s.refuse(e, r, fault.Unavailable, tooManyOfAddress)
		return false
	}
	e.counted = true
	return true
}

// leave ends what admitClient has counted: with the connection if a websocket has taken it over,
// else at once.
func (e *exchange) leave(r *http.Request) {
	if !e.counted {
		return
	}
	client, clients := eventstream.ClientOf(r.RemoteAddr), e.server.clients
	if e.hijacked != nil && e.conn != nil {
		e.conn.atClose(func() { clients.Close(client) })
	} else {
		clients.Close(client)
	}
}
