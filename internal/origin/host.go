package origin

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"configapi/internal/excerpt"
)

// hosts are the hosts that a server answers for.
type hosts struct {
	any      bool
	names    map[string]bool // :: lower-case name → answered for
	suffixes []string        // with the dot that they begin with
}

func parseHosts(listen string, given []string) (hosts, error) {
	h := hosts{names: map[string]bool{"localhost": true}, suffixes: []string{".localhost"}}
	if name := hostOf(listen); name != "" {
		h.names[name] = true
	}
	for _, text := range given {
		if err := h.add(text); err != nil {
			return hosts{}, err
		}
	}
	return h, nil
}

func (h *hosts) add(text string) error {
	if text == "*" {
		h.any = true
		return nil
	}
	if strings.Contains(text, "://") || strings.ContainsAny(text, "/?#@") {
		return fmt.Errorf("%q is no host: write the name alone, as in config.example.com", excerpt.Of(text, maxQuoted))
	}
	if _, isIP := parseIP(text); isIP {
		return nil // any IP address is answered for
	}
	name, below := strings.CutPrefix(hostOf(text), "*.")
	if err := checkName(name); err != nil {
		return fmt.Errorf("the host %q never matches: %w", excerpt.Of(text, maxQuoted), err)
	}
	if below {
		h.suffixes = append(h.suffixes, "."+name)
	} else {
		h.names[name] = true
	}
	return nil
}

// checkName reports why no browser would ever send the name as a host.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("there is no name in it")
	}
	for _, label := range strings.Split(name, ".") {
		switch {
		case label == "":
			return fmt.Errorf("it has a dot too many; all names below a name are written as *.example.com")
		case strings.Contains(label, "*"):
			return fmt.Errorf("a star stands for whole names alone, in front, as in *.example.com")
		}
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '-', b == '_', b == '.':
		case b >= 0x80:
			return fmt.Errorf("browsers send such a name in its ASCII form, which begins with xn--")
		default:
			return fmt.Errorf("%q can be in no host name", b)
		}
	}
	return nil
}

// allow reports whether the value of a Host header is one of the hosts.
func (h *hosts) allow(value string) bool {
	if h.any {
		return true
	}
	name := hostOf(value)
	if h.names[name] {
		return true
	}
	if _, isIP := parseIP(value); isIP {
		return true // rebinding needs a name
	}
	for _, suffix := range h.suffixes {
		if len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// parseIP reads the value of a Host header that names an address: in the one usual form, so that
// what only some resolvers take for an address, as 127.1 or 0x7f000001, is a name.
func parseIP(value string) (netip.Addr, bool) {
	if rest, bracketed := strings.CutPrefix(value, "["); bracketed {
		literal, port, closed := strings.Cut(rest, "]")
		if !closed || port != "" && !isPort(port) {
			return netip.Addr{}, false
		}
		addr, err := netip.ParseAddr(strings.Replace(literal, "%25", "%", 1))
		return addr, err == nil && addr.Is6()
	}
	if strings.Count(value, ":") > 1 { // an IPv6 address without its brackets, as some programs write it
		addr, err := netip.ParseAddr(value)
		return addr, err == nil
	}
	name := hostOf(value)
	if name == "" || name[0] < '0' || name[0] > '9' {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(name)
	return addr, err == nil && addr.Is4()
}

func isPort(text string) bool {
	digits, colon := strings.CutPrefix(text, ":")
	return colon && strings.Trim(digits, "0123456789") == ""
}

// hostOf returns the name in a host with or without a port, in lower case and without a final dot.
// What it does not understand comes back as it is.
func hostOf(value string) string {
	if colon := strings.IndexByte(value, ':'); colon >= 0 && strings.LastIndexByte(value, ':') == colon {
		value = value[:colon]
	} else if colon >= 0 {
		if name, _, err := net.SplitHostPort(value); err == nil {
			value = name
		}
	}
	return strings.ToLower(strings.TrimSuffix(value, "."))
}

// maxQuoted is how many bytes of a host or an origin an error quotes.
const maxQuoted = 100
