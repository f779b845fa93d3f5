package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// received is a request as a server received it.
type received struct {
	Method, Path, ContentType, Body string
}

// recorder answers OK and records requests.
type recorder struct {
	mu   sync.Mutex
	seen []received
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.seen = append(rec.seen, received{r.Method, r.URL.Path, r.Header.Get("Content-Type"), string(body)})
	_, _ = io.WriteString(w, "OK")
}

const (
	wantName  = "bench-000042"
	wantValue = "000000000007QUsxICaGQl8q5JO-Z2wSvzKh7Od6"
)

func TestBothClientsSendTheSame(t *testing.T) {
	const size = len(wantValue)
	for _, test := range []struct {
		request      request
		method, path string
		body         any
	}{
		{restGet(size), "GET", "/config/" + wantName, nil},
		{restPut(size), "PUT", "/config/" + wantName, map[string]any{"value": wantValue}},
		{graphQLGet(size), "POST", "/graphql", map[string]any{
			"query":     "query($n:ConfigName!){config(name:$n){name value version}}",
			"variables": map[string]any{"n": wantName},
		}},
		{graphQLSet(size), "POST", "/graphql", map[string]any{
			"query":     "mutation($i:SetConfigInput!){setConfig(input:$i){... on ConfigChanged{position}}}",
			"variables": map[string]any{"i": map[string]any{"name": wantName, "value": wantValue}},
		}},
	} {
		rec := &recorder{}
		server := httptest.NewServer(rec)
		for _, open := range []func(string, request, time.Time) (sender, io.Closer, error){openLean, openNetHTTP} {
			send, closer, err := open(server.Listener.Addr().String(), test.request, time.Now().Add(10*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			// the second time, the marks are overwritten already
			for _, name := range []int{1, 42} {
				if status, body, err := send(name, 7); err != nil || status != 200 || string(body) != "OK" {
					t.Errorf("%s %s: got %d %q %v", test.method, test.path, status, body, err)
				}
			}
			if err := closer.Close(); err != nil {
				t.Error(err)
			}
		}
		server.Close()
		if len(rec.seen) != 4 || rec.seen[1] != rec.seen[3] {
			t.Fatalf("the clients differ: %+v", rec.seen)
		}
		checkReceived(t, rec.seen[3], test.method, test.path, test.body)
	}
}

func checkReceived(t *testing.T, got received, method, path string, body any) {
	t.Helper()
	if got.Method != method || got.Path != path {
		t.Errorf("got %s %s, want %s %s", got.Method, got.Path, method, path)
	}
	if body == nil {
		if got.Body != "" || got.ContentType != "" {
			t.Errorf("got %q of type %q, want no body", got.Body, got.ContentType)
		}
		return
	}
	var decoded any
	if err := json.Unmarshal([]byte(got.Body), &decoded); err != nil {
		t.Errorf("%v in %q", err, got.Body)
	}
	if fmt.Sprint(decoded) != fmt.Sprint(body) || got.ContentType != "application/json" {
		t.Errorf("got %v of type %q, want %v", decoded, got.ContentType, body)
	}
}

func TestWrongAnswersAreErrors(t *testing.T) {
	value := `0123456789`
	for name, test := range map[string]struct {
		request request
		status  int
		body    string
		good    bool
	}{
		"a value":                     {restGet(10), 200, value, true},
		"a value of another length":   {restGet(10), 200, value + "x", false},
		"a value with another status": {restGet(10), 206, value, false},
		"no such config":              {restGet(9), 404, "Not Found", false},
		"a put":                       {restPut(20), 200, "OK", true},
		"a put that says more":        {restPut(20), 200, "OK\n", false},
		"a put of a deleted config":   {restPut(20), 410, "Gone", false},
		"a query":                     {graphQLGet(10), 200, `{"data":{"config":{"name":"n","value":"` + value + `","version":1}}}`, true},
		"a query that finds nothing":  {graphQLGet(10), 200, `{"data":{"config":null}}, and some more text`, false},
		"a query that fails":          {graphQLGet(10), 200, `{"errors":[{"message":"long enough"}],"data":null}`, false},
		"a value that is too short":   {graphQLGet(100), 200, `{"data":{"config":{"name":"n","value":"` + value + `","version":1}}}`, false},
		"a mutation":                  {graphQLSet(20), 200, `{"data":{"setConfig":{"position":"1-9f3a21c0"}}}`, true},
		"a mutation that is refused":  {graphQLSet(20), 200, `{"data":{"setConfig":{}}}`, false},
	} {
		if err := test.request.check(test.status, []byte(test.body)); (err == nil) != test.good {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestValuesHaveTheirSize(t *testing.T) {
	for _, size := range []int{numberWidth, 13, 22, 64, 1000} {
		if got := len(valuePattern(size)); got != size {
			t.Errorf("got %d bytes, want %d", got, size)
		}
	}
}
