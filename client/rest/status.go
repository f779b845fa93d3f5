package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Status is the state of a server, as far as the caller may see it.
type Status struct {
	// Ready is what /readyz says: OK, how far the server is behind, or why it is not ready.
	Ready   string
	IsReady bool
	Health  Health
	// Position is the one that the server has applied. "": the caller may not read.
	Position string
}

// Health is what /health says. Callers that may not read everything get Status and Timestamp alone.
type Health struct {
	Status    string            `json:"status"` // healthy or unhealthy
	Timestamp time.Time         `json:"timestamp"`
	Checks    map[string]string `json:"checks"` // the name of a check → ok, or what is wrong
	Lag       *Lag              `json:"lag"`    // nil: the caller may not see it
	// Verified is the position up to which the hash chain is known to be whole.
	Verified string `json:"verified"`
	// Writes says why nothing can be written, Clock what is wrong with the server's clock. "":
	// nothing is.
	Writes string `json:"writes"`
	Clock  string `json:"clock"`
	// Open reports whether everyone may do everything.
	Open bool `json:"open"`
}

// Lag is how far a server is behind the history.
type Lag struct {
	Positions int64   `json:"positions"`
	Seconds   float64 `json:"seconds"`
}

// Status returns the state of the server. A server that is not ready, or not healthy, is no error.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	if s.Ready, s.IsReady, err = c.ready(ctx); err != nil {
		return s, err
	}
	if _, _, err = c.get(ctx, &request{path: "/health", unwell: true}, &s.Health); err != nil {
		return s, err
	}
	var page json.RawMessage
	position, _, err := c.get(ctx, &request{path: "/config?first=1"}, &page)
	if failed, is := errors.AsType[*Error](err); is && failed.Outcome == Refused {
		return s, nil // what the caller may not see is left out
	}
	s.Position = position
	return s, err
}

func (c *Client) ready(ctx context.Context) (text string, is bool, err error) {
	const most = 1 << 10 // bytes
	answer, err := c.send(ctx, &request{method: http.MethodGet, path: "/readyz", accept: "text/plain", unwell: true})
	if err != nil {
		return "", false, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return "", false, &Error{Outcome: Failed, Message: fmt.Sprintf("reaching the server: %v", err), Err: err}
	}
	return strings.TrimSpace(string(content)), answer.StatusCode == http.StatusOK, nil
}
