package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"configapi/internal/websockettest"
)

// patience is how long a stream may be silent.
const patience = time.Minute

// put sets a config over REST and returns the status and the position of the change.
func put(client *http.Client, p process, name, value string) (status int, position string, err error) {
	body, _ := json.Marshal(map[string]string{"value": value})
	req, err := http.NewRequest(http.MethodPut, p.URL("/config/"+name), bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Config-Position"), err
}

// MustPut sets a config and returns the position of the change.
func (p process) MustPut(t testing.TB, name, value string) string {
	t.Helper()
	status, position, err := put(http.DefaultClient, p, name, value)
	if err != nil || status != http.StatusOK {
		t.Fatalf("setting %s: status %d, %v: %s", name, status, err, p.Log())
	}
	return position
}

// MustGet returns the body of an answer 200.
func (p process) MustGet(t testing.TB, path string) string {
	t.Helper()
	resp, err := http.Get(p.URL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("getting %s: status %d, %v: %s", path, resp.StatusCode, err, body)
	}
	return string(body)
}

// MustQuery returns the data of a GraphQL answer without errors.
func (p process) MustQuery(t testing.TB, query string, into any) {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	resp, err := http.Post(p.URL("/graphql"), "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Errors != nil {
		t.Fatalf("asking %s: %v, errors %s", query, err, answer.Errors)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		t.Fatalf("asking %s: %v in %s", query, err, answer.Data)
	}
}

// stream is one subscription on a websocket of its own.
type stream struct{ *websockettest.Client }

// MustSubscribe opens a subscription.
func (p process) MustSubscribe(t testing.TB, query string) stream {
	t.Helper()
	client, err := websockettest.Open(t.Context(), p.URL("/graphql"), websockettest.Options{Patience: patience})
	if err == nil {
		t.Cleanup(client.Close)
		err = client.Subscribe("1", query, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return stream{client}
}

// MustReceive waits for a message of a type, and decodes the data of its payload.
func (s stream) MustReceive(t testing.TB, kind string, into any) {
	t.Helper()
	message, err := s.Receive()
	if err != nil || message.Type != kind {
		t.Fatalf("got %s, %v, want a message %q", message.Text, err, kind)
	}
	if into == nil {
		return
	}
	var payload struct{ Data json.RawMessage }
	if err := json.Unmarshal(message.Payload, &payload); err != nil {
		t.Fatalf("decoding %s: %v", message.Text, err)
	}
	if err := json.Unmarshal(payload.Data, into); err != nil {
		t.Fatalf("decoding %s: %v", message.Text, err)
	}
}

// closeCode reads until the server closes the socket.
func (s stream) closeCode() int {
	for {
		if _, err := s.Receive(); err != nil {
			return websockettest.CloseCode(err)
		}
	}
}
