package httpd

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// hopIn reads a hop as the forms are listed: an address, one of IPv6 in brackets, or one with a
// port.
func hopIn(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if len(text) > maxHopBytes {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(text)
	if inner, is := strings.CutPrefix(text, "["); is && strings.HasSuffix(inner, "]") {
		address, err = netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if address.Is4() {
			return netip.Addr{}, false
		}
	}
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), err == nil
}

// clientIn is the law of X-Forwarded-For: from the end, the first address that is not a proxy's.
func clientIn(p *Proxies, lines []string) (client netip.Addr, ok bool) {
	if len(lines) == 0 {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(lines, ","), ",")
	slices.Reverse(hops)
	for i, hop := range hops {
		address, isAddress := hopIn(hop)
		if !isAddress || i >= maxHops {
			return netip.Addr{}, false
		}
		if !p.trust(address) {
			return address, true
		}
		client = address
	}
	return client, true
}

// FuzzForwardedFor compares the client of a header with the law, and holds that nothing that stands
// before the client in the header changes who it is.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "203.0.113.1", "198.51.100.1, 203.0.113.1, 10.0.0.2", "[2001:db8::1]:55", "fe80::1%eth0", "::ffff:10.0.0.1",
		"]]203.0.113.1[[", "[203.0.113.1]", "[2001:db8::1", "203.0.113.1:99999", "_hidden,10.0.0.2", "10.0.0.1\n10.0.0.2", ",,", strings.Repeat("1", 70)} {
		f.Add(seed, "evil, 1.2.3.4")
	}
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "2001:db8:1::/48"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, before string) {
		lines := strings.Split(text, "\n")
		client, ok := proxies.clientOf(http.Header{forwardedFor: lines})
		if want, wanted := clientIn(proxies, lines); ok != wanted || ok && client != want {
			t.Errorf("%q: got %v, %t, want %v, %t", lines, client, ok, want, wanted)
		}
		if !ok || proxies.trust(client) {
			return
		}
		lines[0] = before + "," + lines[0]
		if got, ok := proxies.clientOf(http.Header{forwardedFor: lines}); !ok || got != client {
			t.Errorf("%q: got %v, %t, want %v whatever stands before", lines, got, ok, client)
		}
	})
}

// FuzzParseProxies shows that no text makes a proxy of every address, and that a prefix trusts the
// address that it is written with.
func FuzzParseProxies(f *testing.F) {
	for _, seed := range []string{"", "10.0.0.0/8", "192.0.2.7", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "::ffff:10.0.0.0/104", "::ffff:0.0.0.0/90", "fe80::1%eth0", "::/1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProxies([]string{text})
		if err != nil {
			return
		}
		written, _, _ := strings.Cut(text, "/")
		address, err := netip.ParseAddr(written)
		if err != nil || !p.trust(address.Unmap().WithZone("")) {
			t.Errorf("%q does not trust %q: %v", text, written, err)
		}
		ones, zeros := netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("0.0.0.0")
		if p.trust(ones) && p.trust(zeros) {
			t.Errorf("%q trusts every address of IPv4", text)
		}
	})
}
