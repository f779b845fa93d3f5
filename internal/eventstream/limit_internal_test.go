package eventstream

import (
	"net"
	"testing"
)

func TestAddressesThatAreCounted(t *testing.T) {
	limit := NewLimit(0, 0)
	for address, want := range map[string]string{
		"203.0.113.1": "203.0.113.1", "::ffff:203.0.113.1": "203.0.113.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::1": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
		"127.0.0.1": "", "127.8.8.8": "", "::1": "", "::ffff:127.0.0.1": "",
	} {
		client := ClientOf(net.JoinHostPort(address, "1"))
		got := client.prefix.Addr()
		if text := got.String(); got.IsValid() && text != want || !got.IsValid() && want != "" {
			t.Errorf("%s is counted as %s, want %s", address, text, want)
		}
		if err := limit.Open(client); err != nil {
			t.Fatal(err)
		}
		limit.Close(client)
	}
	if len(limit.byAddress) != 0 {
		t.Errorf("addresses are counted that have nothing open: %v", limit.byAddress)
	}
}
