package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestTokenIsReadForEachRequest replaces the file with the token between two requests.
func TestTokenIsReadForEachRequest(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Authorization") }))
	defer server.Close()
	client := &http.Client{Transport: authorized{http.DefaultTransport}}
	get := func() string {
		t.Helper()
		response, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return <-got
	}
	if sent := get(); sent != "" {
		t.Errorf("without a file: sent %q", sent)
	}
	file := filepath.Join(t.TempDir(), "token")
	t.Setenv(tokenFile, file)
	if _, err := client.Get(server.URL); err == nil {
		t.Error("a file that is missing: no error")
	}
	for text, want := range map[string]string{"cfg_a\n": "Bearer cfg_a", "cfg_b": "Bearer cfg_b"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if sent := get(); sent != want {
			t.Errorf("with %q: sent %q, want %q", text, sent, want)
		}
	}
}
