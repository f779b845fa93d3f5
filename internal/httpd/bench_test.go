package httpd_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/httpd/httpdtest"
	"configapi/internal/rest"
)

// BenchmarkServer compares a request's way through this server with a server whose handler answers
// a constant. The clients are cheap: they write the same bytes again and again, and look for the
// end of the answer.
func BenchmarkServer(b *testing.B) {
	const value = "thirty seconds"
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "timeout", value)
	edge := rest.New(store.Store, rest.Options{})
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	logging := httpd.Options{Store: store.Store, REST: edge, Log: slog.New(slog.NewJSONHandler(null, nil))}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, value) })
	get := "GET /config/timeout HTTP/1.1\r\nHost: localhost\r\n\r\n"
	browser := strings.TrimSuffix(get, "\r\n") + "User-Agent: Mozilla/5.0\r\n\r\n"
	put := "PUT /config/timeout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"value\":\"thirty seconds\"}"
	for _, clients := range []int{1, 64} {
		for _, row := range []struct {
			name    string
			serve   httpdtest.Serve
			request string
		}{
			{"bare", httpdtest.ServeHandler(bare), get},
			{"get, edge alone", httpdtest.ServeHandler(edge), get},
			{"get", httpd.New(httpd.Options{Store: store.Store, REST: edge}).Serve, get},
			{"get, of a browser", httpd.New(httpd.Options{Store: store.Store, REST: edge}).Serve, browser},
			{"get, logged", httpd.New(logging).Serve, get},
			{"put, bare", httpdtest.ServeHandler(bare), put},
			{"put", httpd.New(httpd.Options{Store: store.Store, REST: edge}).Serve, put},
		} {
			b.Run(fmt.Sprintf("%s/%d", row.name, clients), func(b *testing.B) { httpdtest.Bench(b, row.serve, row.request, clients, nil) })
		}
	}
}
