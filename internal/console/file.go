package console

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// file is a file to serve, in two encodings. The encoding that is not embedded is made on first
// use.
type file struct {
	contentType string
	header      http.Header // further headers
	hash        string      // short hash of the embedded content
	plain       func() []byte
	zipped      func() []byte
}

// assets returns all files that the page loads: those of others, which are embedded compressed, and
// our own.
func assets() map[string]*file {
	found := make(map[string]*file) // :: name → file
	for _, name := range mustGlob("assets/*.gz") {
		asset := strings.TrimSuffix(path.Base(name), ".gz")
		found[asset] = newZipped(contentType(asset), mustRead(name))
	}
	for _, name := range append(mustGlob("page/*"), "assets/LICENSES.txt") {
		if asset := path.Base(name); asset != "page.html" {
			found[asset] = newPlain(contentType(asset), mustRead(name))
		}
	}
	return found
}

func newZipped(contentType string, zipped []byte) *file {
	return &file{
		contentType: contentType,
		hash:        shortHash(zipped),
		plain:       sync.OnceValue(func() []byte { return unzip(zipped) }),
		zipped:      func() []byte { return zipped },
	}
}

func newPlain(contentType string, plain []byte) *file {
	return &file{
		contentType: contentType,
		hash:        shortHash(plain),
		plain:       func() []byte { return plain },
		zipped:      sync.OnceValue(func() []byte { return zip(plain) }),
	}
}

// serve lets the standard library handle conditions and ranges. Each encoding has its own entity
// tag, since a range of one is not a range of the other.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	maps.Copy(h, f.header)
	h.Set("Content-Type", f.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	if !acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("ETag", `"`+f.hash+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.plain()))
		return
	}
	h.Set("ETag", `"`+f.hash+`-gzip"`)
	h.Set("Content-Encoding", "gzip")
	// ServeContent does not set it for encoded content
	h.Set("Content-Length", strconv.Itoa(len(f.zipped())))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.zipped()))
}

// acceptsGzip parses an Accept-Encoding header: a list of codings with optional weights, of which 0
// means never.
func acceptsGzip(header string) bool {
	accepted := false
	for item := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip":
			return !isZeroWeight(weight)
		case "*":
			accepted = !isZeroWeight(weight)
		}
	}
	return accepted
}

func isZeroWeight(weight string) bool {
	value, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(weight)), "q=")
	if !found {
		return false
	}
	q, err := strconv.ParseFloat(value, 64)
	return err != nil || q <= 0
}

// contentType returns the type of a file by its extension. It does not depend on the type table of
// the machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

func zip(plain []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(plain); err != nil {
		panic(fmt.Errorf("compressing into memory: %w", err))
	}
	if err := w.Close(); err != nil {
		panic(fmt.Errorf("compressing into memory: %w", err))
	}
	return out.Bytes()
}

// unzip decompresses an embedded file. It panics on a broken one; a test decompresses each.
func unzip(zipped []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		panic(fmt.Errorf("unpacking an embedded file: %w", err))
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		panic(fmt.Errorf("unpacking an embedded file: %w", err))
	}
	return plain
}

func mustGlob(pattern string) []string {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic(fmt.Errorf("listing embedded files: %w", err))
	}
	return names
}

func mustRead(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Errorf("reading an embedded file: %w", err))
	}
	return data
}
