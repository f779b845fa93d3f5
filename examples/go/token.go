package main

import (
	"net/http"
	"os"
	"strings"
)

// tokenFile is the variable that names a file with the token.
const tokenFile = "CONFIGAPI_TOKEN_FILE"

// authorization returns what proves who calls, "" without a token. The file is read for each
// request and each connection, so that a new token needs no restart.
func authorization() (string, error) {
	file := os.Getenv(tokenFile)
	if file == "" {
		return "", nil
	}
	token, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return "Bearer " + strings.TrimSpace(string(token)), nil
}

// authorized sends requests with the token.
type authorized struct{ http.RoundTripper }

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	proof, err := authorization()
	if err != nil {
		return nil, err
	}
	if proof != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", proof)
	}
	return a.RoundTripper.RoundTrip(r)
}
