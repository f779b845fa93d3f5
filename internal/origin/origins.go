package origin

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"configapi/internal/excerpt"
)

// origins are the allowed origins besides the server's own.
type origins struct {
	any    bool
	listed map[string]bool // :: origin as browsers write it → true
}

func parseOrigins(given []string) (origins, error) {
	o := origins{listed: make(map[string]bool, len(given))}
	for _, text := range given {
		if text == "*" {
			o.any = true
			continue
		}
		origin, err := canonical(text)
		if err != nil {
			return origins{}, fmt.Errorf("the origin %q never matches: %w", excerpt.Of(text, maxQuoted), err)
		}
		o.listed[origin] = true
	}
	return o, nil
}

// allow reports whether the value of an Origin header is listed. Browsers write origins in one
// form; only letter case is ignored.
func (o *origins) allow(value string) bool {
	return len(o.listed) > 0 && (o.listed[value] || o.listed[strings.ToLower(value)])
}

// defaultPorts are the ports that browsers leave out.
var defaultPorts = map[string]string{"http": "80", "https": "443"} // :: scheme → port

// pageSchemes are further schemes of pages: those of mobile, desktop and editor apps.
var pageSchemes = []string{"app", "capacitor", "ionic", "tauri", "vscode-webview"}

// canonical returns an origin as browsers write it, or an error that says why no browser sends it.
func canonical(text string) (string, error) {
	const form = "write it as https://console.example.com or http://localhost:5173"
	if text == "null" {
		return "", fmt.Errorf("null is the origin of pages such as local files; serve the page over HTTP, or allow all origins with *")
	}
	scheme, rest, found := strings.Cut(strings.ToLower(text), "://")
	if !found {
		return "", fmt.Errorf("it has no scheme; %s", form)
	}
	if err := checkScheme(scheme); err != nil {
		return "", err
	}
	rest = strings.TrimSuffix(rest, "/")
	switch {
	case strings.ContainsAny(rest, "/?#\\"):
		return "", fmt.Errorf("an origin ends with its host or port, and has no path; %s", form)
	case strings.Contains(rest, "@"):
		return "", fmt.Errorf("an origin has no user; %s", form)
	case strings.Contains(rest, "*"):
		return "", fmt.Errorf("a star cannot be a part of an origin; list each origin, or allow all with *")
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("its host or port is malformed; %s", form)
	}
	host, err := canonicalHost(u.Hostname(), strings.HasPrefix(rest, "["))
	if err != nil {
		return "", err
	}
	port, err := canonicalPort(u.Port(), strings.HasSuffix(rest, ":"))
	if err != nil {
		return "", err
	}
	if port == "" || port == defaultPorts[scheme] {
		return scheme + "://" + host, nil
	}
	return scheme + "://" + host + ":" + port, nil
}

func checkScheme(scheme string) error {
	switch {
	case scheme == "http", scheme == "https", strings.HasSuffix(scheme, "-extension"), slices.Contains(pageSchemes, scheme):
		return nil
	case scheme == "ws", scheme == "wss":
		return fmt.Errorf("the scheme of an origin is that of the page: write %s, also for websockets", strings.Replace(scheme, "ws", "http", 1))
	}
	return fmt.Errorf("pages do not have the scheme %q: write http or https", excerpt.Of(scheme, maxQuoted))
}

func canonicalHost(host string, bracketed bool) (string, error) {
	if bracketed {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", fmt.Errorf("the text in brackets is not an IPv6 address")
		}
		return "[" + addr.String() + "]", nil
	}
	if err := checkName(strings.TrimSuffix(host, ".")); err != nil {
		return "", err
	}
	last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]
	if _, err := netip.ParseAddr(host); err != nil && (isNumber(last) || strings.HasPrefix(last, "0x")) {
		return "", fmt.Errorf("browsers write an IPv4 address with four numbers, as in 127.0.0.1")
	}
	return host, nil
}

func isNumber(label string) bool { return label != "" && strings.Trim(label, "0123456789.") == "" }

func canonicalPort(port string, empty bool) (string, error) {
	if port == "" && !empty {
		return "", nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return "", fmt.Errorf("its port is not a number from 1 to 65535")
	}
	return strconv.FormatUint(number, 10), nil
}

// isOf reports whether an origin is that of the server's own pages, given the Host of the request.
// The scheme is not compared, since a proxy may terminate TLS.
func isOf(origin, host string) bool {
	scheme, rest, _ := strings.Cut(strings.ToLower(origin), "://")
	port, isWeb := defaultPorts[scheme]
	return isWeb && rest != "" && normalHost(rest, port) == normalHost(host, port)
}

// normalHost removes a default port and a final dot, and lowers the case.
func normalHost(host, defaultPort string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":"+defaultPort)
	name, port, found := strings.Cut(host, ".:")
	if found {
		return name + ":" + port
	}
	return strings.TrimSuffix(host, ".")
}
