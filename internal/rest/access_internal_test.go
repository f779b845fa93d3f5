package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"configapi/internal/accesstest"
)

// paths has a path of each resource, as docs/access.md writes it.
var paths = [...]string{
	everything: "/config",
	one:        "/config/{name}",
	revisions:  "/config/{name}/history",
	past:       "/config/{name}/at/{timestamp}",
	restoring:  "/config/{name}/restore",
	events:     "/events",
	changes:    "/changes",
	recent:     "/changes/recent",
	reverting:  "/changes/{position}/revert",
	returning:  "/revert",
	difference: "/diff",
	deletions:  "/deleted",
	children:   "/children",
	tokens:     "/tokens",
	token:      "/tokens/{name}",
	secrets:    "/tokens/{name}/rotate",
	grants:     "/tokens/{name}/grants",
	secret:     "/secrets/{publicId}",
}

// TestEntryPoints compares the methods of all paths with docs/access.md: what changes configs takes
// WRITE, what reads them READ, and what is about tokens ADMIN alone.
func TestEntryPoints(t *testing.T) {
	operations := make(map[string]operation) // :: entry point → what it does
	var entries []string
	for resource := range offers {
		if resource >= len(paths) {
			t.Fatalf("resource %d has no path here", resource)
		}
		r, known := parseRoute(&url.URL{Path: paths[resource]})
		if !known || int(r.resource) != resource {
			t.Errorf("%s is not the path of resource %d", paths[resource], resource)
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch} {
			if op := r.operation(method); op != unsupported {
				entry := method + " " + paths[resource]
				entries, operations[entry] = append(entries, entry), op
			}
		}
	}
	for entry, row := range accesstest.Check(t, "REST", entries) {
		if strings.Contains(entry, "/tokens") || strings.Contains(entry, "/secrets") {
			if len(row.Takes) != 1 || !row.May("ADMIN") {
				t.Errorf("%s takes %v", entry, row.Takes)
			}
			continue
		}
		if op := operations[entry]; op.reads() == row.May("WRITE") || op.reads() && !row.May("READ") {
			t.Errorf("%s takes %v", entry, row.Takes)
		}
	}
}
