package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// Requests are built once, and names and values are filled in. So both have a fixed width, and
// these bytes, which occur in neither HTTP nor JSON, mark their places.
const (
	nameDigits  = 6
	numberWidth = 12
)

var (
	namePlace  = strings.Repeat("\x00", nameDigits)
	valuePlace = strings.Repeat("\x01", numberWidth)
)

// namePrefix is the beginning of all names.
const namePrefix = "bench-"

// namePattern and valuePattern return a config's name and value with the marks.
func namePattern() string { return namePrefix + namePlace }

func valuePattern(size int) string { return valuePlace + filler(size-numberWidth) }

// filler returns a text of so many letters and digits, the same in every run. It does not compress
// as such, so that what a store writes is as long as what it was given.
func filler(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, size/2*2+2)
	for i := 0; i < size; i += 2 {
		n := random.IntN(64 * 64)
		text[i], text[i+1] = letters[n%64], letters[n/64]
	}
	return string(text[:size])
}

// letters need no escape in JSON.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// request is one kind of request, with marks for name and value, and the check of its answer.
type request struct {
	method string
	path   string
	body   string // "": none
	secret string // of the token that it is sent with; "": none
	check  func(status int, body []byte) error
}

// restGet reads a config of so many bytes over REST.
func restGet(size int) request {
	return request{method: http.MethodGet, path: "/config/" + namePattern(), check: func(status int, body []byte) error {
		if status != http.StatusOK || len(body) != size {
			return unexpected(status, body)
		}
		return nil
	}}
}

// restPut sets a config over REST.
func restPut(size int) request {
	return request{
		method: http.MethodPut,
		path:   "/config/" + namePattern(),
		body:   `{"value":"` + valuePattern(size) + `"}`,
		check: func(status int, body []byte) error {
			if status != http.StatusOK || string(body) != "OK" {
				return unexpected(status, body)
			}
			return nil
		},
	}
}

// graphQLGet reads a config over GraphQL.
func graphQLGet(size int) request {
	return graphQL(
		`query($n:ConfigName!){config(name:$n){name value version}}`,
		`{"n":"`+namePattern()+`"}`,
		`"value":"`, size)
}

// graphQLSet sets a config over GraphQL.
func graphQLSet(size int) request {
	return graphQL(
		`mutation($i:SetConfigInput!){setConfig(input:$i){... on ConfigChanged{position}}}`,
		`{"i":{"name":"`+namePattern()+`","value":"`+valuePattern(size)+`"}}`,
		`"position":"`, 0)
}

// graphQL returns an operation whose answer must have the proof and at least so many bytes more.
func graphQL(document, variables, proof string, size int) request {
	proven := []byte(proof)
	return request{
		method: http.MethodPost,
		path:   "/graphql",
		body:   `{"query":"` + document + `","variables":` + variables + `}`,
		check: func(status int, body []byte) error {
			if status != http.StatusOK || len(body) < len(proven)+size || !bytes.Contains(body, proven) {
				return unexpected(status, body)
			}
			return nil
		},
	}
}

// below returns the request for names in a folder.
func (r request) below(folder string) request {
	r.path = strings.ReplaceAll(r.path, namePrefix, folder+"%2F"+namePrefix)
	r.body = strings.ReplaceAll(r.body, namePrefix, folder+"/"+namePrefix)
	return r
}

// with returns the request with a token.
func (r request) with(secret string) request {
	r.secret = secret
	return r
}

// unexpected describes a wrong answer.
func unexpected(status int, body []byte) error {
	return fmt.Errorf("unexpected answer: status %d, %d bytes: %.200q", status, len(body), body)
}

// wire returns the request as bytes of HTTP/1.1.
func (r request) wire(host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: configapi-bench\r\nAccept: */*\r\n", r.method, r.path, host)
	if r.secret != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", r.secret)
	}
	if r.body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n" + r.body)
	return b.String()
}

// template is a text whose marks are replaced in place, again and again.
type template struct {
	bytes  []byte
	names  []int // offsets of names
	values []int
}

// newTemplate finds the marks in a text.
func newTemplate(text string) *template {
	return &template{bytes: []byte(text), names: offsets(text, namePlace), values: offsets(text, valuePlace)}
}

// fill writes both numbers over all their marks. name must be below 10^nameDigits, value below
// 10^numberWidth.
func (t *template) fill(name, value int) []byte {
	for _, at := range t.names {
		putDigits(t.bytes[at:at+nameDigits], name)
	}
	for _, at := range t.values {
		putDigits(t.bytes[at:at+numberWidth], value)
	}
	return t.bytes
}

// offsets returns where part occurs in text.
func offsets(text, part string) []int {
	var found []int
	for at := 0; ; {
		i := strings.Index(text[at:], part)
		if i < 0 {
			return found
		}
		found = append(found, at+i)
		at += i + len(part)
	}
}

// putDigits writes n in decimal with leading zeros, as many digits as fit.
func putDigits(place []byte, n int) {
	for i := len(place) - 1; i >= 0; i-- {
		place[i] = byte('0' + n%10)
		n /= 10
	}
}
