package rest

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestParseRoute(t *testing.T) {
	for path, want := range map[string]route{
		"/config":                          {everything, "", ""},
		"/v1/config":                       {everything, "", ""},
		"/config/a":                        {one, "a", ""},
		"/tokens":                          {tokens, "", ""},
		"/tokens/ci":                       {token, "ci", ""},
		"/v1/tokens/ci/rotate":             {secrets, "ci", ""},
		"/tokens/a%2Fb/grants":             {grants, "a/b", ""},
		"/config/":                         {one, "", ""},
		"/config/a%2Fb":                    {one, "a/b", ""},
		"/config/a%2fb":                    {one, "a/b", ""},
		"/config/a%252Fb":                  {one, "a%2Fb", ""},
		"/config/a%20b":                    {one, "a b", ""},
		"/config/..":                       {one, "..", ""},
		"/config/%2E%2E":                   {one, "..", ""},
		"/config/%2F":                      {one, "/", ""},
		"/config/a+b":                      {one, "a+b", ""},
		"/config/history":                  {one, "history", ""},
		"/config/a%2Fhistory":              {one, "a/history", ""},
		"/config/config":                   {one, "config", ""},
		"/v1/config/v1":                    {one, "v1", ""},
		"/%63onfig/a":                      {one, "a", ""},
		"/config/history/history":          {revisions, "history", ""},
		"/config/a/history":                {revisions, "a", ""},
		"/config/a%2Fb/%68istory":          {revisions, "a/b", ""},
		"/config//history":                 {revisions, "", ""},
		"/config/a/restore":                {restoring, "a", ""},
		"/config/restore":                  {one, "restore", ""},
		"/config/a/at/x":                   {past, "a", "x"},
		"/config/a/at/":                    {past, "a", ""},
		"/config/at/at/at":                 {past, "at", "at"},
		"/config/a/at/10%3A30%2B01%2F":     {past, "a", "10:30+01/"},
		"/v1/config/a%2Fb/at/2024-01-15T1": {past, "a/b", "2024-01-15T1"},
		"/events":                          {events, "", ""},
		"/v1/events":                       {events, "", ""},
		"/changes":                         {changes, "", ""},
		"/v1/changes/recent":               {recent, "", ""},
		"/changes/1-3e9191d5/revert":       {reverting, "", "1-3e9191d5"},
		"/changes/recent/revert":           {reverting, "", "recent"},
		"/changes//revert":                 {reverting, "", ""},
		"/v1/changes/%2F/revert":           {reverting, "", "/"},
		"/revert":                          {returning, "", ""},
		"/v1/diff":                         {difference, "", ""},
		"/deleted":                         {deletions, "", ""},
		"/children":                        {children, "", ""},
	} {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, known := parseRoute(u); !known || got != want {
			t.Errorf("%s: got %+v, %t, want %+v", path, got, known, want)
		}
	}
	for _, path := range []string{"/", "/v1", "/v1/", "//config", "/v1//config", "/config/a/b", "/config/a/", "/config/a/at", "/config/a/at/x/",
		"/config/a/history/", "/CONFIG", "/configs", "/v1%2Fconfig", "/config%2Fa", "/events/", "/events/a", "/changes/", "/changes/1-3e9191d5", "/changes/recent/",
		"/changes/1-3e9191d5/revert/", "/changes/1/revert/x", "/diff/", "/revert/x", "/deleted/a", "/children/a", "/v1/v1/diff", "/v1/v1/events", "*"} {
		u, err := url.ParseRequestURI(path)
		if path == "*" {
			u, err = &url.URL{Path: "*"}, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, known := parseRoute(u); known {
			t.Errorf("%s: got %+v, want none", path, got)
		}
	}
}

// checkRoute holds what parseRoute finds against the path split in a plain way.
func checkRoute(t *testing.T, path string) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return
	}
	got, known := parseRoute(u)
	escaped := u.RawPath // as the client has sent it, also where it had to escape more
	if escaped == "" {
		escaped = u.EscapedPath()
	}
	parts := strings.Split(escaped, "/")
	for i := range parts {
		if parts[i], err = url.PathUnescape(parts[i]); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
	}
	if len(parts) > 1 && parts[0] == "" && parts[1] == "v1" {
		parts = append(parts[:1:1], parts[2:]...)
	}
	config := len(parts) > 2 && slices.Contains([]string{"config", "tokens", "secrets"}, parts[1])
	if want := len(parts) > 1 && parts[0] == "" && isPath(parts[1:]); known != want ||
		known && config && got.name != parts[2] || known && config && len(parts) == 5 && got.at != parts[4] {
		t.Errorf("%q: got %+v, %t; parts %q", path, got, known, parts)
	}
}

// isPath reports whether the API has a path of these segments, without v1.
func isPath(parts []string) bool {
	switch len(parts) {
	case 1:
		return slices.Contains([]string{"config", "events", "changes", "diff", "revert", "deleted", "children", "tokens"}, parts[0])
	case 2:
		return slices.Contains([]string{"config", "tokens", "secrets"}, parts[0]) || parts[0] == "changes" && parts[1] == "recent"
	case 3:
		return parts[0] == "config" && (parts[2] == "history" || parts[2] == "restore") || parts[0] == "changes" && parts[2] == "revert" ||
			parts[0] == "tokens" && (parts[2] == "rotate" || parts[2] == "grants")
	case 4:
		return parts[0] == "config" && parts[2] == "at"
	}
	return false
}
