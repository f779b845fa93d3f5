// Package proxy is a network between programs that can be made to fail. A [Link] is a TCP proxy of
// toxiproxy whose faults can be switched on and off. A [Switch] is an address whose backend can
// change.
package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// healTimeout bounds the end of a fault. The library waits for data in flight.
const healTimeout = 20 * time.Second

// Link is one proxy. Its faults apply to existing connections and to those that are opened while a
// fault holds.
type Link struct {
	proxy *toxiproxy.Proxy
}

// Open returns a link from a new port of 127.0.0.1 to an address.
func Open(name, to string) (*Link, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, name, "127.0.0.1:0", to)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("opening the link %s: %w", name, err)
	}
	return &Link{p}, nil
}

// Address is where the link listens.
func (l *Link) Address() string { return l.proxy.Listen }

// Close closes the link and all its connections.
func (l *Link) Close() { l.proxy.Stop() }

// Toxic is a fault of a link.
type Toxic struct {
	kind       string
	directions []string
	attributes map[string]int
}

const (
	request = "upstream"
	reply   = "downstream"
)

// Reset closes connections as soon as something is sent on them. Those that are opened meanwhile
// are closed with a TCP reset.
func Reset() Toxic {
	return Toxic{"reset_peer", []string{request, reply}, map[string]int{"timeout": 0}}
}

// Cut closes a connection after a number of bytes of responses. Requests pass.
func Cut(bytes int) Toxic {
	return Toxic{"limit_data", []string{reply}, map[string]int{"bytes": bytes}}
}

// Blackhole drops everything in both directions. Connections stay open until the link is healed.
func Blackhole() Toxic {
	return Toxic{"timeout", []string{request, reply}, map[string]int{"timeout": 0}}
}

// Latency delays responses.
func Latency(by time.Duration) Toxic {
	return Toxic{"latency", []string{reply}, map[string]int{"latency": int(by.Milliseconds())}}
}

// Infect makes the link fail until heal is called.
func (l *Link) Infect(t Toxic) (heal func() error, err error) {
	for _, direction := range t.directions {
		text, err := json.Marshal(map[string]any{
			"name": direction, "type": t.kind, "stream": direction, "attributes": t.attributes,
		})
		if err != nil {
			return nil, err
		}
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
			return nil, fmt.Errorf("making the link %s fail by %s: %w", l.proxy.Name, t.kind, err)
		}
	}
	return func() error { return l.heal(t) }, nil
}

func (l *Link) heal(t Toxic) error {
	healed := make(chan error, 1)
	go func() {
		for _, direction := range t.directions {
			if err := l.proxy.Toxics.RemoveToxic(context.Background(), direction); err != nil {
				healed <- err
				return
			}
		}
		healed <- nil
	}()
	select {
	case err := <-healed:
		return err
	case <-time.After(healTimeout):
		return fmt.Errorf("the link %s does not heal", l.proxy.Name)
	}
}
