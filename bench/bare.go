package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// serveBare is the reference for reads, the least that a Go server does: it answers each request
// with a constant of so many bytes. It runs in its own process until it is killed, and prints its
// address when it is ready.
func serveBare(argument string, out io.Writer) error {
	size, err := strconv.Atoi(argument)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, readyWord, listener.Addr())
	return http.Serve(listener, bareHandler(size))
}

func bareHandler(size int) http.Handler {
	value := []byte(strings.Repeat("v", size))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(value) // fails only when the client has closed the connection
	})
}
