package rest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
)

type difference struct {
	Name          string
	Before, After *revision
	Changes       []revision
	MoreChanges   bool
}

func (d difference) String() string {
	value := func(r *revision) string {
		if r == nil {
			return "-"
		}
		return *r.Value
	}
	return fmt.Sprintf("%s:%s>%s%v", d.Name, value(d.Before), value(d.After), numbersOf(d.Changes))
}

// twoChanges are the changes of [mustHaveTwo]. One without a value deletes.
var twoChanges = []string{
	"prod/a=1", "prod/b=1", "staging/a=1", "staging/b=2", "staging/c=3", // 1 to 5
	"prod/b=2", "prod/b=1", "staging/c", "prod/a=4", "prod/d=5", // 6 to 10
}

// mustHaveTwo starts a service whose clock ticks with each change: staging and prod, which differ.
// It returns the position and the instant of each change.
func mustHaveTwo(t *testing.T) (s *service, positions, instants []string) {
	clock := newClock(time.Unix(1_700_000_000, 0).UTC())
	s = MustStart(t, configstore.Options{Now: clock.now})
	positions, instants = []string{beginning}, []string{config.FormatInstant(clock.now())}
	for _, change := range twoChanges {
		clock.tick()
		if name, value, isSet := strings.Cut(change, "="); isSet {
			s.MustSet(t, name, value)
		} else {
			s.MustDelete(t, name)
		}
		positions, instants = append(positions, s.head()), append(instants, config.FormatInstant(clock.now()))
	}
	return s, positions, instants
}

func TestDiff(t *testing.T) {
	s, positions, instants := mustHaveTwo(t)
	for _, row := range []struct {
		from, to int // -1: left out
		query    string
		want     string
	}{
		{0, 2, "", "prod/a:->1[1] prod/b:->1[2]"},
		{2, 0, "", "prod/a:1>-[] prod/b:1>-[]"},
		{5, -1, "", "prod/a:1>4[9] prod/d:->5[10] staging/c:3>-[8]"},
		{5, 10, "&prefix=prod/", "prod/a:1>4[9] prod/d:->5[10]"},
		{5, 7, "", ""}, // what has come back to its value does not differ
		{10, 10, "", ""},
		{10, 10, "&prefix=staging&toPrefix=prod/", "staging/a:1>4[] staging/b:2>1[] staging/d:->5[]"},
		{5, 10, "&prefix=prod&toPrefix=prod", "prod/a:1>4[] prod/d:->5[]"},
	} {
		for _, at := range [][]string{positions, instants} {
			for _, first := range []int{1, 2, 500} {
				path := fmt.Sprintf("/v1/diff?first=%d&from=%s%s", first, url.QueryEscape(at[row.from]), row.query)
				to := s.head()
				if row.to >= 0 {
					path, to = path+"&to="+url.QueryEscape(at[row.to]), positions[row.to]
				}
				asked, got := path, ""
				for path != "" {
					var p page
					p, path = s.MustGet(t, path)
					for _, d := range p.Differences {
						got += " " + d.String()
					}
					if p.Differences == nil || p.From != positions[row.from] || p.To != to {
						t.Errorf("%s: %+v, want %s to %s", asked, p, positions[row.from], to)
					}
				}
				if got = strings.Join(strings.Fields(got), " "); got != row.want {
					t.Errorf("%s: got %s, want %s", asked, got, row.want)
				}
			}
		}
	}
}

// TestPagesOfADiffStay: later pages are of the moments of the first one, also when that meant now.
func TestPagesOfADiffStay(t *testing.T) {
	s, positions, _ := mustHaveTwo(t)
	path := "/diff?first=1&from=" + positions[5]
	first := s.MustDo(t, "GET "+path, "")
	following := next(t, path, first)
	want := s.MustDo(t, "GET "+following, "").body
	s.MustSet(t, "prod/c", "later")
	if got := s.MustDo(t, "GET "+following, "").body; got != want {
		t.Errorf("the second page was %s and is %s", want, got)
	}
	address, err := url.Parse(following)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Del("to")
	if got := s.MustDo(t, "GET /diff?"+query.Encode(), "").body; got != want {
		t.Errorf("without to, the second page is %s, want %s", got, want)
	}
	for name, value := range map[string]string{"from": positions[4], "to": s.head(), "prefix": "prod", "toPrefix": "prod"} {
		other := address.Query()
		other.Set(name, value)
		if name == "toPrefix" {
			other.Set("prefix", "prod")
		}
		MustBeProblem(t, "another "+name, s.MustDo(t, "GET /diff?"+other.Encode(), ""), 400, "INVALID_INPUT")
	}
	tag := first.header.Get("Etag")
	if got := s.MustDo(t, "GET "+path+"&to="+positions[10], "", "If-None-Match: "+tag); got.status != 304 {
		t.Errorf("the same comparison: got %d, its tag was %s", got.status, tag)
	}
}

func TestBadDiffs(t *testing.T) {
	s, positions, _ := mustHaveTwo(t)
	other := "1-00c0ffee"
	for query, code := range map[string]string{
		"":                                      "INVALID_INPUT",
		"to=" + positions[1]:                    "INVALID_INPUT",
		"from=":                                 "POSITION_UNKNOWN",
		"from=yesterday":                        "POSITION_UNKNOWN",
		"from=2026-01-01":                       "POSITION_UNKNOWN",
		"from=" + other:                         "POSITION_UNKNOWN",
		"from=99-00c0ffee":                      "POSITION_UNKNOWN",
		"from=1":                                "POSITION_UNKNOWN",
		"from=2026-01-01T00:00:00":              "INVALID_INPUT",
		"from=2026-02-30T00:00:00Z":             "INVALID_INPUT",
		"from=2026-01-01T00:00:00+02:00":        "INVALID_INPUT",
		"from=" + positions[1] + "&to=" + other: "POSITION_UNKNOWN",
		"from=" + positions[1] + "&to=":         "POSITION_UNKNOWN",
		"from=" + positions[1] + "&toPrefix=prod":             "INVALID_INPUT",
		"from=" + positions[1] + "&prefix=prod&toPrefix=":     "INVALID_INPUT",
		"from=" + positions[1] + "&prefix=prod&toPrefix=a//b": "INVALID_INPUT",
		"from=" + positions[1] + "&from=" + positions[1]:      "INVALID_INPUT",
		"from=" + positions[1] + "&prefix=prod&names=prod/a":  "INVALID_INPUT",
	} {
		p := MustBeProblem(t, query, s.MustDo(t, "GET /diff?"+query, ""), 400, code)
		if query == "from=yesterday" && !strings.Contains(p.Detail, "must be a position such as") {
			t.Errorf("%s: %s", query, p.Detail)
		}
	}
}
