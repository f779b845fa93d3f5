package rest_test

import (
	"strings"
	"testing"

	"configapi/client/rest"
)

func TestAddresses(t *testing.T) {
	const insecure = "could read it: use https"
	for address, want := range map[string]string{
		"https://config.example": "", "https://config.example:4000/path/": "", "http://localhost:4000": "", "http://a.localhost": "",
		"http://127.0.0.1:4000": "", "http://[::1]:4000": "", "http://[::ffff:127.0.0.1]": "",
		"http://config.example": insecure, "http://10.0.0.1": insecure, "http://localhost.example": insecure, "http://127.0.0.1.example": insecure,
		"config.example": "must be a URL", "ftp://config.example": "must be a URL", "https://": "must be a URL", "": "must be a URL", "http://%zz": "must be a URL",
		"https://a:b@config.example": "without a user", "https://config.example?x=1": "without a user", "https://config.example#x": "without a user",
	} {
		_, err := rest.New(rest.Options{URL: address, Token: "secret"})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || err != nil && strings.Contains(err.Error(), "a:b") {
			t.Errorf("%q: got %v, want %q", address, err, want)
		}
		if want == insecure {
			for token, insecure := range map[string]bool{"secret": true, "": false} {
				if _, err := rest.New(rest.Options{URL: address, Token: token, Insecure: insecure}); err != nil {
					t.Errorf("%q with the token %q, insecure %t: got %v", address, token, insecure, err)
				}
			}
		}
	}
}
