package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/slowtest"
)

var nextLink = regexp.MustCompile(`^<([^>]*)>; rel="next"$`)

// next is the address of the page after one, as a client makes it of the Link header; "" when there
// is none.
func next(t testing.TB, request string, got answer) string {
	t.Helper()
	links := got.header["Link"]
	if len(links) == 0 {
		return ""
	}
	match := nextLink.FindStringSubmatch(links[0])
	if len(links) > 1 || match == nil {
		t.Fatalf("%s: Link is %q", request, links)
	}
	base, err := url.Parse("http://proxy.example/below" + request)
	if err != nil {
		t.Fatal(err)
	}
	target, err := base.Parse(match[1])
	if err != nil {
		t.Fatal(err)
	}
	path, below := strings.CutPrefix(target.RequestURI(), "/below")
	if !below {
		t.Fatalf("%s: the link %s leads out of the path of a proxy", request, links[0])
	}
	return path
}

// names are those of the elements of a list.
func names(t testing.TB, got answer) []string {
	t.Helper()
	var elements []struct{ Name, Value string }
	if err := json.Unmarshal([]byte(got.body), &elements); err != nil || got.status != 200 {
		t.Fatalf("got %d %.200s, %v", got.status, got.body, err)
	}
	found := make([]string, len(elements))
	for i, e := range elements {
		found[i] = e.Name + "=" + e.Value
	}
	return found
}

// TestPages goes through pages while others write. All of them are of the position of the first.
func TestPages(t *testing.T) {
	for _, base := range []string{"", "/v1"} {
		for _, prefix := range []string{"", "p", "p%2Fq/"} {
			for _, first := range []int{1, 2, 3, 7, 8, 500} {
				testPages(t, base, prefix, first)
			}
		}
	}
}

func testPages(t *testing.T, base, prefix string, first int) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"a", "b", "p", "p/a", "p/gone", "p/q/a", "p/q/b", "z"} {
		s.MustSet(t, name, "1")
	}
	s.MustDelete(t, "p/gone")
	position := s.head()
	want := names(t, s.MustDo(t, "GET "+base+"/config?prefix="+prefix, ""))

	var found []string
	path, pages := fmt.Sprintf("%s/config?prefix=%s&first=%d&_=1", base, prefix, first), 0
	for path != "" {
		got := s.MustDo(t, "GET "+path, "")
		page := names(t, got)
		if len(page) > first || got.header.Get("Config-Position") != position || got.header.Get("ETag") != `"`+position+`"` {
			t.Errorf("GET %s: %d elements, %v, want position %s", path, len(page), got.header, position)
		}
		if again := s.MustDo(t, "GET "+path, "", "If-None-Match: "+got.header.Get("ETag")); again.status != 304 && pages > 0 {
			t.Errorf("GET %s again: got %d", path, again.status)
		}
		found = append(found, page...)
		pages++
		s.MustSet(t, "p/q/a", fmt.Sprint("later ", pages)) // none of this is to be seen
		s.MustSet(t, "p/new", "later")
		s.MustDo(t, "DELETE /config/p%2Fq%2Fb", "")
		s.MustDo(t, "PUT /config/p%2Fgone", `{"value":"later"}`, "Config-Restore: true")
		path = next(t, path, got)
	}
	if !slices.Equal(found, want) || pages != max(1, (len(want)+first-1)/first) {
		t.Errorf("prefix %q by %d: got %v in %d pages, want %v", prefix, first, found, pages, want)
	}
}

func TestPagesThatAreRefused(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"a", "p/a", "p/b", "z"} {
		s.MustSet(t, name, "1")
	}
	cursor := func(path string) string {
		t.Helper()
		address, err := url.Parse(next(t, path, s.MustDo(t, "GET "+path, "")))
		if err != nil {
			t.Fatal(err)
		}
		return address.Query().Get("after")
	}
	all, below := cursor("/config?first=1"), cursor("/config?first=1&prefix=p")
	raw, err := base64.RawURLEncoding.DecodeString(all)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(old, new string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), old, new, 1)))
	}
	other := MustStart(t, configstore.Options{})
	for i := range 4 {
		other.MustSet(t, fmt.Sprint(i), "other")
	}
	for query, says := range map[string]string{
		"first=0":                               "from 1 to 500",
		"first=-1":                              "from 1 to 500",
		"first=501":                             "from 1 to 500",
		"first=":                                "from 1 to 500",
		"first=x":                               "from 1 to 500",
		"first=1.0":                             "from 1 to 500",
		"first=%2B1":                            "from 1 to 500",
		"first=01":                              "from 1 to 500",
		"first=99999999999999999999":            "from 1 to 500",
		"first=1&first=2":                       "more than once",
		"after=" + all:                          "needs first",
		"first=1&after=":                        "Link header",
		"first=1&after=a":                       "Link header",
		"first=1&after=" + all + "=":            "Link header",
		"first=1&after=" + s.head():             "Link header",
		"first=1&after=" + below:                "Link header", // of another list
		"first=1&prefix=p&after=" + all:         "Link header",
		"first=1&prefix=p/b&after=" + all:       "Link header",
		"first=1&after=" + forged("1l", "2l"):   "Link header",
		"first=1&after=" + forged("1l", "1c"):   "Link header",
		"first=1&after=" + forged(" a", " a b"): "Link header",
		"first=1&after=" + forged(" a", " .."):  "Link header",
		"first=1&after=" + forged(s.head(), other.head()):                          "Link header", // of another store
		"first=1&after=" + forged(s.head(), "0-00000001"):                          "Link header",
		"first=1&after=" + all + "&after=" + all:                                   "more than once",
		"first=1&after=" + base64.RawURLEncoding.EncodeToString([]byte("1c4-x a")): "Link header",
	} {
		p := MustBeProblem(t, query, s.MustDo(t, "GET /config?"+query, ""), 400, "INVALID_INPUT")
		if !strings.Contains(p.Detail, says) {
			t.Errorf("%s: %q does not say %q", query, p.Detail, says)
		}
	}
}

// TestPagesEndEarly has values of which a page holds less than it was asked for, by the bytes that
// they take as JSON.
func TestPagesEndEarly(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	const mib = 1 << 20
	s := MustStart(t, configstore.Options{MaxValueBytes: 4 * mib})
	for name, value := range map[string]string{
		"1": strings.Repeat("v", 3*mib), "2": strings.Repeat("v", 3*mib), "3": strings.Repeat("v", 3*mib), "4": "short",
		"5": strings.Repeat("\x01", 4*mib), // 24 MiB of JSON
		"6": "short", "7": strings.Repeat("\x01", mib), "8": strings.Repeat(`"`, mib), "9": "short",
	} {
		if status := s.mustPut(t, name, value); status != 200 {
			t.Fatalf("PUT %s: got %d", name, status)
		}
	}
	for _, change := range []string{"", "changed"} { // the second time all but one value are of the past
		var found []string
		for path := "/config?first=9"; path != ""; {
			got := s.MustDo(t, "GET "+path, "")
			path = next(t, path, got)
			if len(found) == 0 && change != "" {
				for i := 1; i < 9; i++ {
					s.MustSet(t, fmt.Sprint(i), change)
				}
			}
			page := ""
			for _, element := range names(t, got) {
				name, value, _ := strings.Cut(element, "=")
				page += name
				if value == change {
					t.Errorf("%s has a value of later", name)
				}
			}
			found = append(found, page)
		}
		if want := []string{"12", "34", "5", "67", "89"}; !slices.Equal(found, want) {
			t.Errorf("got pages %v, want %v", found, want)
		}
	}
}

func (s *service) mustPut(t testing.TB, name, value string) int {
	t.Helper()
	return s.MustDo(t, "PUT /config/"+url.PathEscape(name), value, raw).status
}
