package rest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/configstore"
)

// statesOfTwo are the lists of [mustHaveTwo] after each of its changes.
func statesOfTwo() (states [][]string) {
	present := make(map[string]string)
	list := func() []string {
		all := []string{}
		for name, value := range present {
			all = append(all, name+"="+value)
		}
		slices.Sort(all)
		return all
	}
	states = append(states, list())
	for _, change := range twoChanges {
		if name, value, isSet := strings.Cut(change, "="); isSet {
			present[name] = value
		} else {
			delete(present, name)
		}
		states = append(states, list())
	}
	return states
}

// TestListAt reads the list of each moment, whole and in pages of all sizes, while others write.
func TestListAt(t *testing.T) {
	s, positions, instants := mustHaveTwo(t)
	for n, all := range statesOfTwo() {
		for _, moment := range []string{positions[n], instants[n]} {
			for _, prefix := range []string{"", "prod", "staging/", "none"} {
				want := slices.DeleteFunc(slices.Clone(all), func(c string) bool { return !strings.HasPrefix(c, prefix) })
				for _, first := range []int{0, 1, 2, 500} {
					path := "/config?at=" + url.QueryEscape(moment) + "&prefix=" + prefix
					if first > 0 {
						path += fmt.Sprint("&first=", first)
					}
					asked, found := path, []string{}
					for path != "" {
						got := s.MustDo(t, "GET "+path, "")
						found = append(found, names(t, got)...)
						if got.header.Get("Config-Position") != positions[n] || got.header.Get("ETag") != `"`+positions[n]+`"` {
							t.Errorf("GET %s: %v, want position %s", path, got.header, positions[n])
						}
						if path = next(t, path, got); path != "" {
							s.MustSet(t, "prod/c", found[0])
						}
					}
					if diff := cmp.Diff(want, found); diff != "" {
						t.Errorf("GET %s (-want +got)\n%s", asked, diff)
					}
				}
			}
		}
	}
	if got := s.MustDo(t, "GET /config?at="+positions[5], "", `If-None-Match: "`+positions[5]+`"`); got.status != 304 {
		t.Errorf("the same again: got %d", got.status)
	}
	if got := s.MustDo(t, "HEAD /config?at="+positions[5], ""); got.status != 200 || got.header.Get("Config-Position") != positions[5] {
		t.Errorf("HEAD: got %d %v", got.status, got.header)
	}
	if got, now := s.MustDo(t, "GET /config?at=2999-01-01T00:00:00Z", ""), s.MustDo(t, "GET /config", ""); got.body != now.body {
		t.Errorf("in the future: got %s, want %s", got.body, now.body)
	}
}

// TestPagesOfAMomentGoOn with the moment of the first page, or without any.
func TestPagesOfAMomentGoOn(t *testing.T) {
	s, positions, instants := mustHaveTwo(t)
	after := func(path string) string {
		address, err := url.Parse(next(t, path, s.MustDo(t, "GET "+path, "")))
		if err != nil {
			t.Fatal(err)
		}
		return address.Query().Get("after")
	}("/config?first=1&at=" + positions[5])
	for query, status := range map[string]int{
		"":                         200,
		"&at=" + positions[5]:      200,
		"&at=" + instants[5]:       200,
		"&view=full":               200,
		"&at=" + positions[4]:      400,
		"&at=" + instants[6]:       400,
		"&at=2999-01-01T00:00:00Z": 400,
		"&at=5-00c0ffee":           400,
		"&prefix=prod":             400,
	} {
		got := s.MustDo(t, "GET /config?first=1&after="+after+query, "")
		if status == 200 && got.status == 200 {
			if strings.HasPrefix(got.body, `[{"name":"prod/b","value":"1"`) {
				continue
			}
			t.Errorf("%s: got %s", query, got.body)
		} else if p := MustBeProblem(t, query, got, status, "INVALID_INPUT"); !strings.Contains(p.Detail, "Link header") {
			t.Errorf("%s: got %s", query, got.body)
		}
	}
}

// TestOneAt reads one config at each moment, in both forms.
func TestOneAt(t *testing.T) {
	s, positions, instants := mustHaveTwo(t)
	for n, all := range statesOfTwo() {
		for _, moment := range []string{positions[n], instants[n]} {
			for _, name := range []string{"prod/a", "staging/c", "none"} {
				path := "/config/" + url.PathEscape(name) + "?at=" + moment
				text, object := s.MustDo(t, "GET "+path, ""), s.MustDo(t, "GET "+path, "", acceptJSON)
				at := slices.IndexFunc(all, func(c string) bool { return strings.HasPrefix(c, name+"=") })
				if at < 0 {
					for _, got := range []answer{text, object} {
						check(t, path, got, 404, "Not Found", plain, noSniff, noCache, varies, "Content-Length: 9", "Config-Position: "+positions[n])
					}
					continue
				}
				var c struct {
					Name, Value, Position string
					Version               int
				}
				mustDecode(t, object.body, &c)
				if got := c.Name + "=" + c.Value; got != all[at] || name+"="+text.body != all[at] {
					t.Errorf("GET %s: got %s and %s, want %s", path, got, text.body, all[at])
				}
				tag := s.tag(t, name, c.Version)
				if text.header.Get("ETag") != tag || object.header.Get("ETag") != strings.TrimSuffix(tag, `"`)+`-j"` || text.header.Get("Config-Position") != positions[n] {
					t.Errorf("GET %s: got %v and %v", path, text.header, object.header)
				}
				if got := s.MustDo(t, "GET "+path, "", "If-None-Match: "+tag); got.status != 304 {
					t.Errorf("GET %s again: got %d", path, got.status)
				}
			}
		}
	}
}

// TestFullView: an element of the list has all that the object of one config has, now and then.
func TestFullView(t *testing.T) {
	s, positions, _ := mustHaveTwo(t)
	s.MustDo(t, "PUT /config/prod%2Fa", `{"value":"\u0001"}`, "Config-Reason: why")
	for _, at := range []string{"", "&at=" + positions[7], "&at=" + positions[9]} {
		var want []json.RawMessage
		for _, one := range names(t, s.MustDo(t, "GET /config?"+at, "")) {
			name, _, _ := strings.Cut(one, "=")
			want = append(want, json.RawMessage(s.MustDo(t, "GET /config/"+url.PathEscape(name)+"?"+at, "", acceptJSON).body))
		}
		var paged []json.RawMessage
		for path := "/config?view=full&first=2" + at; path != ""; {
			got := s.MustDo(t, "GET "+path, "")
			var page []json.RawMessage
			mustDecode(t, got.body, &page)
			paged, path = append(paged, page...), next(t, path, got)
		}
		var whole []json.RawMessage
		mustDecode(t, s.MustDo(t, "GET /config?view=full"+at, "").body, &whole)
		for _, got := range [][]json.RawMessage{paged, whole} {
			if diff := cmp.Diff(want, got); diff != "" || len(got) < 4 {
				t.Errorf("at %q (-one by one +in the list)\n%s", at, diff)
			}
		}
	}
}

// TestBadMoments: a moment that cannot be read is refused by the list and by one config alike.
func TestBadMoments(t *testing.T) {
	s, positions, _ := mustHaveTwo(t)
	for query, code := range map[string]string{
		"at=":                          "POSITION_UNKNOWN",
		"at=yesterday":                 "POSITION_UNKNOWN",
		"at=1-00c0ffee":                "POSITION_UNKNOWN",
		"at=99-00c0ffee":               "POSITION_UNKNOWN",
		"at=2026-02-30T00:00:00Z":      "INVALID_INPUT",
		"at=2026-01-01T00:00:00+02:00": "INVALID_INPUT",
		"at=" + positions[1] + "&at=" + positions[1]: "INVALID_INPUT",
	} {
		for _, path := range []string{"/config", "/v1/config/prod%2Fa"} {
			MustBeProblem(t, path+query, s.MustDo(t, "GET "+path+"?"+query, ""), 400, code)
		}
	}
	for query, says := range map[string]string{
		"view=":               "must be full",
		"view=Full":           "must be full",
		"view=full&view=full": "more than once",
		"At=" + positions[1]:  "known are prefix, at, view, first",
	} {
		if p := MustBeProblem(t, query, s.MustDo(t, "GET /config?"+query, ""), 400, "INVALID_INPUT"); !strings.Contains(p.Detail, says) {
			t.Errorf("%s: %s", query, p.Detail)
		}
	}
	MustBeProblem(t, "a write", s.MustDo(t, "PUT /config/a?at="+positions[1], `{"value":"1"}`), 400, "INVALID_INPUT")
}

// TestErasedAt: an erased value is null in a list of its time.
func TestErasedAt(t *testing.T) {
	s, _ := mustHaveErased(t)
	for view, want := range map[string]string{"": `{"name":"a","value":null}`, "&view=full": `{"name":"a","value":null,"version":2,`} {
		for _, first := range []string{"", "&first=2"} {
			got := s.MustDo(t, "GET /config?at="+s.at(t, 3)+view+first, "")
			if got.status != 200 || !strings.HasPrefix(got.body, "["+want) || strings.Count(got.body, "null") < 2 {
				t.Errorf("got %d %s", got.status, got.body)
			}
		}
	}
	MustBeProblem(t, "one", s.MustDo(t, "GET /config/a?at="+s.at(t, 3), "", acceptJSON), 409, "ERASED")
}

// TestAtIsWithinTheRights: what a client may not read did not exist for it then.
func TestAtIsWithinTheRights(t *testing.T) {
	open, positions, _ := mustHaveTwo(t)
	s := open.as(t, "READ:prod")
	for _, first := range []string{"", "&first=1"} {
		if got := names(t, s.MustDo(t, "GET /config?at="+positions[7]+"&prefix=staging"+first, "")); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	}
	if got := names(t, s.MustDo(t, "GET /config?at="+positions[7], "")); !slices.Equal(got, []string{"prod/a=1", "prod/b=1"}) {
		t.Errorf("got %v", got)
	}
	mustAnswer(t, "one", s.MustDo(t, "GET /config/staging%2Fa?at="+positions[7], ""), 404, "Not Found")
	if p, _ := s.MustGet(t, "/changes/recent?name=staging/a"); len(p.Revisions) != 0 {
		t.Errorf("got %v", p.Revisions)
	}
}

// TestWholeListOfAMoment: a list of the past that is read in several pieces comes whole.
func TestWholeListOfAMoment(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	value := strings.Repeat("v", 300<<10)
	for i := range 12 {
		s.MustSet(t, fmt.Sprintf("n%02d", i), value)
	}
	then := s.head()
	for i := range 12 {
		s.MustSet(t, fmt.Sprintf("n%02d", i), "")
	}
	got := names(t, s.MustDo(t, "GET /config?at="+then, ""))
	if len(got) != 12 || got[11] != "n11="+value {
		t.Errorf("got %d configs", len(got))
	}
}

// TestRecentOfOneName goes through the changes of one config, newest first.
func TestRecentOfOneName(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"p", "p/a", "p", "p2", "p/a"} {
		s.MustSet(t, name, "1")
	}
	s.MustDelete(t, "p")
	for query, want := range map[string]string{
		"name=p":                   "6 3 1",
		"name=p/a":                 "5 2",
		"name=p&operation=UPDATED": "3",
		"name=p/a&prefix=p":        "5 2",
		"name=p2&prefix=p":         "",
		"name=none":                "",
	} {
		for _, first := range []int{1, 2, 500} {
			got := ""
			for path := fmt.Sprintf("/changes/recent?first=%d&%s", first, query); path != ""; {
				var p page
				p, path = s.MustGet(t, path)
				got += " " + strings.Join(numbersOf(p.Revisions), " ")
			}
			if got = strings.Join(strings.Fields(got), " "); got != want {
				t.Errorf("%s in pages of %d: got %s, want %s", query, first, got, want)
			}
		}
	}
	for _, query := range []string{"name=", "name=a//b", "name=p&name=p"} {
		if p := MustBeProblem(t, query, s.MustDo(t, "GET /changes/recent?"+query, ""), 400, "INVALID_INPUT"); !strings.HasPrefix(p.Detail, "name ") {
			t.Errorf("%s: %s", query, p.Detail)
		}
	}
	_, following := s.MustGet(t, "/changes/recent?first=1&name=p")
	MustBeProblem(t, "another name", s.MustDo(t, "GET "+strings.Replace(following, "name=p", "name=p2", 1), ""), 400, "INVALID_INPUT")
}
