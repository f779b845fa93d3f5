package rest_test

import (
	"fmt"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/feed"
)

type child struct {
	Segment, Name string
	Config        *struct {
		Value   string
		Version int
	}
	Below int
}

func (c child) String() string {
	if c.Config == nil {
		return fmt.Sprintf("%s(%s)+%d", c.Segment, c.Name, c.Below)
	}
	return fmt.Sprintf("%s(%s)=%s+%d", c.Segment, c.Name, c.Config.Value, c.Below)
}

func TestChildren(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for i, name := range []string{"a", "p", "p/b", "p/b/c", "p/b/d", "p/e", "p/gone", "p2", "z/z/z"} {
		s.MustSet(t, name, fmt.Sprint(i))
	}
	s.MustDelete(t, "p/gone")
	for prefix, want := range map[string]string{
		"":     "a(a)=0+0 p(p)=1+4 p2(p2)=7+0 z(z)+1",
		"p":    "b(p/b)=2+2 e(p/e)=5+0",
		"p/":   "b(p/b)=2+2 e(p/e)=5+0",
		"p/b":  "c(p/b/c)=3+0 d(p/b/d)=4+0",
		"z":    "z(z/z)+1",
		"p/e":  "",
		"none": "",
	} {
		for _, first := range []int{1, 2, 3, 500} {
			got, last := "", page{}
			for path := fmt.Sprintf("/v1/children?prefix=%s&first=%d", prefix, first); path != ""; {
				last, path = s.MustGet(t, path)
				got += " " + strings.Trim(fmt.Sprint(last.Children), "[]")
				if last.Children == nil || last.Position != s.head() {
					t.Errorf("children of %q: %+v", prefix, last)
				}
			}
			if strings.TrimSpace(got) != want {
				t.Errorf("children of %q in pages of %d: got %s, want %s", prefix, first, got, want)
			}
		}
	}
	_, after := s.MustGet(t, "/children?first=1")
	MustBeProblem(t, "another prefix", s.MustDo(t, "GET "+after+"&prefix=p", ""), 400, "INVALID_INPUT")
	other := MustStart(t, configstore.Options{})
	MustBeProblem(t, "another history", other.MustDo(t, "GET "+after, ""), 400, "INVALID_INPUT")
}

func TestDeleted(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"a", "p/Timeout", "p/b", "back", "p/c"} {
		s.MustSet(t, name, "1")
		s.MustDelete(t, name)
	}
	s.MustRestore(t, "back")
	for query, want := range map[string]string{
		"":                      "p/c p/b p/Timeout a",
		"&prefix=p/":            "p/c p/b p/Timeout",
		"&contains=TIME":        "p/Timeout",
		"&prefix=a&contains=c":  "",
		"&prefix=p&contains=p/": "p/c p/b p/Timeout",
	} {
		for _, first := range []int{1, 2, 500} {
			var got []string
			for path := fmt.Sprintf("/deleted?first=%d%s", first, query); path != ""; {
				var p page
				p, path = s.MustGet(t, path)
				for _, r := range p.Revisions {
					got = append(got, r.Name)
					if r.Operation != "DELETED" || r.Value != nil || r.OldValue == nil || *r.OldValue != "1" || r.Version != 2 {
						t.Errorf("got %+v", r)
					}
				}
				if p.Revisions == nil || p.Position != s.head() {
					t.Errorf("%s: %+v", query, p)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("deleted %s in pages of %d: got %v, want %s", query, first, got, want)
			}
		}
	}
	_, after := s.MustGet(t, "/deleted?first=1")
	s.MustSet(t, "later", "1")
	s.MustDelete(t, "later")
	if p, _ := s.MustGet(t, after); len(p.Revisions) != 1 || p.Revisions[0].Name != "p/b" || p.Position != s.head() {
		t.Errorf("the second page after another deletion: got %+v", p)
	}
	for _, query := range []string{"&prefix=p", "&contains=c"} {
		MustBeProblem(t, query, s.MustDo(t, "GET "+after+query, ""), 400, "INVALID_INPUT")
	}
	other := MustStart(t, configstore.Options{})
	MustBeProblem(t, "another history", other.MustDo(t, "GET "+after, ""), 400, "INVALID_INPUT")
}

// TestDeletedOfManyBytes: a page ends early rather than hold more than 8 MiB of the values that
// were deleted.
func TestDeletedOfManyBytes(t *testing.T) {
	s := MustStart(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	for i := range 12 {
		s.MustSet(t, fmt.Sprintf("n%02d", i), strings.Repeat("v", 1<<20))
		s.MustDelete(t, fmt.Sprintf("n%02d", i))
	}
	got := ""
	for path := "/deleted"; path != ""; {
		var p page
		p, path = s.MustGet(t, path)
		got += fmt.Sprint(len(p.Revisions), " to ", p.Revisions[len(p.Revisions)-1].Name, ";")
	}
	if want := "7 to n05;5 to n00;"; got != want {
		t.Errorf("got pages of %s want %s", got, want)
	}
}
