package cli_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

const introspectionPath = "/graphql?query=%7B__schema%7BqueryType%7Bname%7D%7D%7D"

// TestIntrospectionSettings starts servers with the setting as a flag and as a variable, and asks
// for the schema with a token and without.
func TestIntrospectionSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	secret := mustFillWithTokens(t, file)
	for name, test := range map[string]struct {
		flags            []string
		env              map[string]string
		token, anonymous int
	}{
		"default":  {nil, nil, 200, 403},
		"on":       {[]string{"--introspection", "on"}, nil, 200, 200},
		"off":      {[]string{"--introspection", "off"}, nil, 403, 403},
		"variable": {nil, map[string]string{"CONFIGAPI_INTROSPECTION": "off"}, 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--store", "sqlite:" + file, "--listen", "127.0.0.1:0", "--anonymous", "READ:public"}, test.flags...)
			server := mustServeOn(t, test.env, args...)
			accept := []string{"Accept", "application/graphql-response+json"}
			if got := statusOf(t, server, introspectionPath, append(accept, "Authorization", "Bearer "+secret)...); got != test.token {
				t.Errorf("with a token: got %d, want %d", got, test.token)
			}
			if got := statusOf(t, server, introspectionPath, accept...); got != test.anonymous {
				t.Errorf("without a token: got %d, want %d", got, test.anonymous)
			}
			if got := statusOf(t, server, "/graphql?query="+url.QueryEscape(`{__typename}`), accept...); got != http.StatusOK {
				t.Errorf("__typename: got %d", got)
			}
			server.Kill()
		})
	}
}

// TestPlaygroundSettings has a server serve its playground or not.
func TestPlaygroundSettings(t *testing.T) {
	for name, test := range map[string]struct {
		flags []string
		env   map[string]string
		want  int
	}{
		"default":  {nil, nil, http.StatusOK},
		"on":       {[]string{"--playground", "on"}, map[string]string{"CONFIGAPI_PLAYGROUND": "off"}, http.StatusOK},
		"off":      {[]string{"--playground", "off"}, nil, http.StatusNotFound},
		"variable": {nil, map[string]string{"CONFIGAPI_PLAYGROUND": "off"}, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			server := mustServeOn(t, test.env, append([]string{"serve", "--store", "memory", "--listen", "127.0.0.1:0"}, test.flags...)...)
			for _, path := range []string{"/playground", "/playground/"} {
				if got := statusOf(t, server, path); got != test.want {
					t.Errorf("%s: got %d, want %d", path, got, test.want)
				}
			}
			if says := strings.Contains(server.Log(), "playground=http"); says != (test.want == http.StatusOK) {
				t.Errorf("the log names the playground: %t", says)
			}
		})
	}
}
