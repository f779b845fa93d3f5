package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"configapi/test/faults/cluster"
)

// Features are optional features of the servers. The suite probes for them, so that it tests each
// server with what it has.
type Features struct {
	// Keys: writes take an idempotency key. A client may send a write again until it knows the
	// outcome.
	Keys bool
	// Linearizable: reads can be linearizable.
	Linearizable bool
	// AtLeast: reads can require a position.
	AtLeast bool
}

func (f Features) String() string {
	var has []string
	for _, feature := range []struct {
		is   bool
		name string
	}{{f.Keys, "idempotency keys"}, {f.Linearizable, "linearizable reads"}, {f.AtLeast, "reads at least at a position"}} {
		if feature.is {
			has = append(has, feature.name)
		}
	}
	if len(has) == 0 {
		return "none"
	}
	return strings.Join(has, ", ")
}

// Probe finds out which features a server has. A server refuses an invalid value of a feature that
// it has, and ignores one that it does not have. Probe changes nothing: the config to delete does
// not exist.
func Probe(ctx context.Context, n *cluster.Node) (Features, error) {
	const path = "/config/no%2Fsuch%2Fconfig"
	keys, err := refuses(ctx, n, http.MethodDelete, path, "Idempotency-Key", strings.Repeat("x", 5000))
	if err != nil {
		return Features{}, err
	}
	linearizable, err := refuses(ctx, n, http.MethodGet, path+"?consistency=nonsense", "", "")
	if err != nil {
		return Features{}, err
	}
	atLeast, err := refuses(ctx, n, http.MethodGet, path, "Config-At-Least", "nonsense")
	return Features{keys, linearizable, atLeast}, err
}

func refuses(ctx context.Context, n *cluster.Node, method, path, header, value string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+n.Address()+path, nil)
	if err != nil {
		return false, err
	}
	if header != "" {
		request.Header.Set(header, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, fmt.Errorf("finding out what servers can do: %w", err)
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusBadRequest, nil
}
