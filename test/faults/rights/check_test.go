package rights

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/websockettest"
	"configapi/test/faults/history"
)

// begun is the time of the event before the first one.
var begun = time.Unix(1_000_000, 0)

// model is a history: each name is set once, one second after the other.
func model(t *testing.T, names ...string) *history.History {
	t.Helper()
	h := history.New()
	for i, name := range names {
		seq := int64(i + 1)
		kind := history.Set
		if strings.HasPrefix(name, "$") {
			kind = "TokenRevoked"
		}
		e := history.Event{Seq: seq, ChangeSet: seq, Hash: "00000000", Name: name, Version: 1, Type: kind, At: begun.Add(time.Duration(seq) * time.Second)}
		if err := h.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// got is a message with the changes at some positions of the history.
func got(h *history.History, position int64, seqs ...int64) Message {
	m := Message{Position: position}
	for _, seq := range seqs {
		m.Changes = append(m.Changes, Change{seq, h.Event(seq).Name})
	}
	return m
}

func TestCheck(t *testing.T) {
	h := model(t, "a/1", "a/2", "b/1", "$token/x", "a/3", "a/4")
	end := func(reason string) *End { return &End{Reason: reason, InForm: true} }
	for _, row := range []struct {
		what string
		seen Seen
		want string // the promise that is broken
	}{
		{"all of it", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2), got(h, 6, 5, 6)}}, ""},
		{"all after a seq", Seen{Scope: []string{"a", "b"}, After: 2, Messages: []Message{got(h, 3, 3), got(h, 6, 5, 6)}}, ""},
		{"what came before the end", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2)}, End: end(revoked), Want: revoked, Until: 4}, ""},
		{"less than what came before the end", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 1, 1)}, End: end(changed), Want: changed, Until: 4}, ""},
		{"what was refused", Seen{Scope: []string{"a"}, End: end(refused), Want: refused}, ""},
		{"what came before the expiry", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2)}, End: end(expired), Want: expired, Expires: begun.Add(2 * time.Second)}, ""},

		{"a hidden name", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 3, 1, 2, 3)}}, inScope},
		{"a name that only begins alike", Seen{Scope: []string{"a/"}, Messages: []Message{got(h, 1, 1)}}, inScope},
		{"a change with the end", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 5, 1, 2, 5)}, End: end(revoked), Want: revoked, Until: 5}, notAfter},
		{"an empty message after the end", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 4)}, End: end(revoked), Want: revoked, Until: 4}, notAfter},
		{"a change after the expiry", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2)}, End: end(expired), Want: expired, Expires: begun.Add(time.Second)}, notAfter},
		{"a gap", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 6, 1, 5, 6)}}, complete},
		{"a repeat", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2), got(h, 6, 2, 5, 6)}}, complete},
		{"not the last one", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 5, 1, 2, 5)}}, complete},
		{"what never was", Seen{Scope: []string{"a"}, Messages: []Message{{[]Change{{1, "a/9"}}, 1}}}, complete},
		{"an end without a reason to", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2)}, End: end(revoked)}, goesOn},
		{"no end", Seen{Scope: []string{"a"}, Messages: []Message{got(h, 2, 1, 2), got(h, 6, 5, 6)}, Want: revoked}, ends},
		{"another end", Seen{Scope: []string{"a"}, End: end(expired), Want: revoked, Until: 4}, ends},
		{"a connection that broke", Seen{Scope: []string{"a"}, End: &End{Text: "EOF"}, Want: revoked, Until: 4}, ends},
		{"an end of the stream alone", Seen{Scope: []string{"a"}, End: &End{Reason: revoked}, Want: revoked, Until: 4}, endsInForm},
	} {
		promise := ""
		if found := check(h, row.seen); len(found) > 0 {
			promise = found[0].Promise
		}
		if promise != row.want {
			t.Errorf("%s: got %q to be broken, want %q", row.what, promise, row.want)
		}
	}
}

// TestReasonsAreThoseOfTheServer has the texts of the server itself.
func TestReasonsAreThoseOfTheServer(t *testing.T) {
	for _, row := range []struct {
		err    error
		reason string
	}{
		{&endError{true, auth.ErrRevoked.Error()}, revoked},
		{&endError{true, auth.ErrExpired.Error()}, expired},
		{&endError{true, auth.ErrChanged.Error()}, changed},
		{&endError{true, auth.ErrNoToken.Error()}, closed},
		{&endError{true, "revoked"}, revoked},
		{&refusedError{"401 Unauthorized"}, refused},
		{&refusedError{"503 Service Unavailable"}, ""},
		{&websockettest.CloseError{Code: 1006}, ""},
		{io.ErrUnexpectedEOF, ""},
	} {
		if got := endOf(fmt.Errorf("reading: %w", row.err)); got.Reason != row.reason {
			t.Errorf("%v: got the reason %q, want %q", row.err, got.Reason, row.reason)
		}
	}
}

func TestEventsOfAStream(t *testing.T) {
	const text = ": hello\n\nid: 1\nevent: changes\ndata: {\"a\":\ndata: 1}\n\nevent: next\ndata:x\n\nevent: cut off\n"
	var all []string
	err := eachEvent(strings.NewReader(text), func(kind string, data []byte) error {
		all = append(all, kind+" "+string(data))
		return nil
	})
	if want := "[changes {\"a\":1} next x]"; fmt.Sprint(all) != want || err == nil {
		t.Errorf("got %v, %v, want %s and an error for the end", all, err, want)
	}
	stop := errors.New("stop")
	if err := eachEvent(strings.NewReader(text), func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of the function", err)
	}
}

func TestMessagesAreTaken(t *testing.T) {
	s := &stream{}
	for _, text := range []string{`{"changes":[{"name":"a","position":"1-00000001","value":"x"}],"position":"2-00000002","caughtUp":true}`, `{"changes":[],"position":"5-00000005"}`} {
		if err := s.take([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(s.seen.Messages, s.at()); got != "[{[{1 a}] 2} {[] 5}] 5-00000005" {
		t.Errorf("got %s", got)
	}
	for _, text := range []string{`{`, `{"changes":[],"position":"x"}`, `{"changes":[{"name":"a"}],"position":"1-00000001"}`} {
		if s.take([]byte(text)) == nil {
			t.Errorf("%s: got no error", text)
		}
	}
	var said *endError
	if err := s.takeGraphQL([]byte(`{"errors":[{"message":"why"}],"data":null}`)); !errors.As(err, &said) || said.text != "why" {
		t.Errorf("got %v, want the error of the result", err)
	}
	if err := s.takeGraphQL([]byte(`{"data":{"configChanges":{"changes":[],"position":"6-00000006"}}}`)); err != nil || s.at().Seq != 6 {
		t.Errorf("got %v, at %v, want position 6", err, s.at())
	}
}
