package httpd_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstream"
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

// BenchmarkGuess has 512 clients of one address send tokens that are not valid, beyond what the
// address may send. The clients' own cost is that of BenchmarkServer/bare. A node looks for an
// unknown token in the history, five times a second for all: that takes time, not CPU.
func BenchmarkGuess(b *testing.B) {
	store := configstoretest.New(b, configstore.Options{})
	store.MustIssue(b, "ci", time.Time{}, "READ:")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	unknown, _ := auth.NewSecret()
	log := slog.New(slog.NewJSONHandler(null, nil))
	for name, secret := range map[string]string{"malformed": "cfg_wrong", "unknown": unknown} {
		b.Run(name, func(b *testing.B) {
			refused := attempts.New(attempts.Options{Delay: time.Nanosecond, Burst: 1, Interval: time.Hour})
			refused.Refused(b.Context(), eventstream.Client{}) // a client with a loopback address
			server := httpd.New(httpd.Options{
				Store: store.Store, REST: rest.New(store.Store, rest.Options{}), Attempts: refused, Refusals: audit.NewRefusals(log), Log: log,
			})
			httpdtest.BenchStatus(b, server.Serve, "GET /config/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+secret+"\r\n\r\n",
				"429 Too Many Requests", 512, nil)
		})
	}
}
