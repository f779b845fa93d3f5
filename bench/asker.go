package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// asker sends operations of GraphQL on one connection.
type asker struct {
	client *leanClient
	host   string
}

// ask sends an operation and decodes the data of its answer. took does not include the decoding.
func (a *asker) ask(document string, variables map[string]any, data any) (took time.Duration, err error) {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return 0, err
	}
	wire := request{method: http.MethodPost, path: "/graphql", body: string(body)}.wire(a.host)
	begin := time.Now()
	status, text, err := a.client.roundTrip([]byte(wire))
	took = time.Since(begin)
	if err != nil {
		return 0, err
	}
	answer := struct {
		Data   any
		Errors []any
	}{Data: data}
	if err := json.Unmarshal(text, &answer); err != nil || status != http.StatusOK || len(answer.Errors) > 0 {
		return 0, errors.Join(unexpected(status, text), err)
	}
	return took, nil
}
