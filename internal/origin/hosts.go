package origin

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"configapi/internal/excerpt"
)

// hosts are the hosts that the server answers for.
type hosts struct {
	any      bool
	names    map[string]bool // :: lower-case name → true
	suffixes []string        // each with its leading dot
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
		return fmt.Errorf("%q is not a host: write the name only, as in config.example.com", excerpt.Of(text, maxQuoted))
	}
	if _, isIP := parseIP(text); isIP {
		return nil // IP addresses are always allowed
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

// checkName returns why no browser sends the name as a host, nil if one does.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("the name is empty")
	}
	for _, label := range strings.Split(name, ".") {
		switch {
		case label == "":
			return fmt.Errorf("it has an empty label; write all names below a name as *.example.com")
		case strings.Contains(label, "*"):
			return fmt.Errorf("a star must be the whole first label, as in *.example.com")
		}
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '-', b == '_', b == '.':
		case b >= 0x80:
			return fmt.Errorf("it is not ASCII; browsers send the form that begins with xn--")
		default:
			return fmt.Errorf("a host name cannot contain %q", b)
		}
	}
	return nil
}

// allow reports whether the value of a Host header is allowed.
func (h *hosts) allow(value string) bool {
	if h.any {
		return true
	}
	name := hostOf(value)
	if h.names[name] {
		return true
	}
	if _, isIP := parseIP(value); isIP {
		return true // DNS rebinding needs a name
	}
	for _, suffix := range h.suffixes {
		if len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// parseIP parses a Host header that names an IP address in its usual form. What only some resolvers
// take for an address, such as 127.1 or 0x7f000001, is a name.
func parseIP(value string) (netip.Addr, bool) {
	if rest, bracketed := strings.CutPrefix(value, "["); bracketed {
		literal, port, closed := strings.Cut(rest, "]")
		if !closed || port != "" && !isPort(port) {
			return netip.Addr{}, false
		}
		addr, err := netip.ParseAddr(strings.Replace(literal, "%25", "%", 1))
		return addr, err == nil && addr.Is6()
	}
	if strings.Count(value, ":") > 1 { // some programs write IPv6 addresses without brackets
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

// hostOf returns the host without its port, in lower case, without a final dot. It returns a
// malformed host as it is.
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
