package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// applyDocument is the mutation of all sets over GraphQL.
const applyDocument = `mutation($i:ApplyConfigsInput!){applyConfigs(input:$i){` +
	`... on ConfigsChanged{position unchanged dryRun} ... on ChangesRejected{errors{message}}}}`

// setConnector returns a connector for change sets over an API. The sets are of configs with the
// names, so many changes each.
func setConnector(address, by string, names []string, size, changes int, dryRun bool) connector {
	return func(clients int, c clientOptions) ([]operation, closers, error) {
		var operations []operation
		var opened closers
		for range clients {
			client, err := dialLean(address, time.Now().Add(c.life))
			if err != nil {
				return nil, nil, errors.Join(fmt.Errorf("connecting to %s: %w", address, err), opened.Close())
			}
			opened = append(opened, client)
			r := newSetRequest(address, by, names, size, changes, dryRun)
			operations = append(operations, func() error { return r.send(client, c.nextName()) })
		}
		return operations, opened, nil
	}
}

// setRequest is a request that sets so many configs. It is built once; then names and values are
// filled in.
type setRequest struct {
	configs []string // all names, of equal length
	wire    []byte
	names   []int // offsets in wire
	values  []int
	proof   []byte // of an answer
}

func newSetRequest(address, by string, configs []string, size, changes int, dryRun bool) *setRequest {
	nameMark := strings.Repeat("\x00", len(configs[0]))
	change := `,{"set":{"name":"` + nameMark + `","value":"` + valuePattern(size) + `"}}`
	input := fmt.Sprintf(`{"changes":[%s],"dryRun":%t}`, strings.Repeat(change, changes)[1:], dryRun)
	r := request{method: http.MethodPost, path: "/changes", body: input}
	if by == byGraphQL {
		r.path, r.body = "/graphql", `{"query":"`+applyDocument+`","variables":{"i":`+input+`}}`
	}
	wire := r.wire(address)
	return &setRequest{
		configs: configs, wire: []byte(wire), names: offsets(wire, nameMark), values: offsets(wire, valuePlace),
		proof: fmt.Appendf(nil, `"dryRun":%t}`, dryRun),
	}
}

// fill writes the names from a number on, and random values.
func (r *setRequest) fill(first int) []byte {
	for i, at := range r.names {
		copy(r.wire[at:], r.configs[(first+i)%len(r.configs)])
	}
	for _, at := range r.values {
		putDigits(r.wire[at:at+numberWidth], randomValue())
	}
	return r.wire
}

// send sends a set, and checks that all of it was changed.
func (r *setRequest) send(client *leanClient, first int) error {
	status, text, err := client.roundTrip(r.fill(first))
	if err != nil {
		return err
	}
	if status != http.StatusOK || !bytes.Contains(text, r.proof) || !bytes.Contains(text, []byte(`"unchanged":[]`)) {
		return unexpected(status, text)
	}
	return nil
}
