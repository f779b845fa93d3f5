package httpd_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
)

// TestOptionsThatMakeNoSense checks that New panics with the name of the option.
func TestOptionsThatMakeNoSense(t *testing.T) {
	valid := httpd.Options{Store: configstoretest.New(t, configstore.Options{}).Store, REST: http.NotFoundHandler()}
	httpd.New(valid)
	for name, spoil := range map[string]func(*httpd.Options){
		"REST":                     func(o *httpd.Options) { o.REST = nil },
		"Store":                    func(o *httpd.Options) { o.Store = nil },
		"ReadHeaderTimeout":        func(o *httpd.Options) { o.ReadHeaderTimeout = -time.Second },
		"BodyTimeout":              func(o *httpd.Options) { o.BodyTimeout = -1 },
		"WriteTimeout":             func(o *httpd.Options) { o.WriteTimeout = -1 },
		"MaxConnections":           func(o *httpd.Options) { o.MaxConnections = -1 },
		"MaxConnectionsPerAddress": func(o *httpd.Options) { o.MaxConnectionsPerAddress = -1 },
	} {
		opts := valid
		spoil(&opts)
		func() {
			defer func() {
				got, _ := recover().(string)
				if !strings.Contains(got, "httpd: Options."+name+" is ") {
					t.Errorf("%s: New panics with %q", name, got)
				}
			}()
			httpd.New(opts)
		}()
	}
}
