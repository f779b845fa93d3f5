package rest

import (
	"net/http"
	"net/url"
	"testing"

	"configapi/internal/doorstest"
)

// paths has a path of each resource, as docs/doors.md writes it.
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
}

// TestDoors compares the methods of all paths with docs/doors.md: what changes configs takes WRITE,
// and what reads them READ.
func TestDoors(t *testing.T) {
	operations := make(map[string]operation) // :: door → what it does
	var doors []string
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
				door := method + " " + paths[resource]
				doors, operations[door] = append(doors, door), op
			}
		}
	}
	for door, row := range doorstest.Check(t, "REST", doors) {
		if op := operations[door]; op.reads() == row.May("WRITE") || op.reads() && !row.May("READ") {
			t.Errorf("%s takes %v", door, row.Takes)
		}
	}
}
