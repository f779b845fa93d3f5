package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// applyDocument is the mutation of all sets over GraphQL.
const applyDocument = `mutation($i:ApplyConfigsInput!){applyConfigs(input:$i){` +
	`... on ConfigsChanged{position unchanged dryRun} ... on ChangesRejected{errors{message}}}}`

// setConnector returns a connector for change sets over an API. They go through Go's own HTTP
// client, since answers may come in chunks; its share of their cost is small.
func setConnector(address, by string, o options, changes int, dryRun bool) connector {
	changes = min(changes, o.Names)
	send := restSet
	if by == byGraphQL {
		send = graphQLApply
	}
	return func(clients int, c clientOptions) ([]operation, closers, error) {
		var operations []operation
		var opened closers
		for range clients {
			transport := &http.Transport{DisableCompression: true}
			client := &http.Client{Transport: transport, Timeout: c.life}
			opened = append(opened, closerFunc(func() error { transport.CloseIdleConnections(); return nil }))
			operations = append(operations, func() error {
				list := changeList(c.nextName(), changes, o)
				return send(client, address, list, dryRun)
			})
		}
		return operations, opened, nil
	}
}

// changeList returns a JSON array of changes that set so many names, from a number on.
func changeList(first, changes int, o options) []byte {
	value := newTemplate(valuePattern(o.Size))
	list := []byte{'['}
	for i := range changes {
		if i > 0 {
			list = append(list, ',')
		}
		name := historyName((first+i)%o.Names, o.NameSize)
		list = fmt.Appendf(list, `{"set":{"name":"%s","value":"%s"}}`, name, value.fill(0, randomValue()))
	}
	return append(list, ']')
}

// restSet sends a set over REST.
func restSet(client *http.Client, address string, changes []byte, dryRun bool) error {
	body := fmt.Appendf(nil, `{"changes":%s,"dryRun":%t}`, changes, dryRun)
	return post(client, "http://"+address+"/changes", body, dryRun)
}

// graphQLApply sends a set over GraphQL.
func graphQLApply(client *http.Client, address string, changes []byte, dryRun bool) error {
	body := fmt.Appendf(nil, `{"query":"%s","variables":{"i":{"changes":%s,"dryRun":%t}}}`, applyDocument, changes, dryRun)
	return post(client, "http://"+address+"/graphql", body, dryRun)
}

// post sends a set, and checks that all of it was changed.
func post(client *http.Client, url string, body []byte, dryRun bool) error {
	answer, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	proof := fmt.Appendf(nil, `"dryRun":%t}`, dryRun)
	if answer.StatusCode != http.StatusOK || !bytes.Contains(text, proof) || !bytes.Contains(text, []byte(`"unchanged":[]`)) {
		return unexpected(answer.StatusCode, text)
	}
	return nil
}
