package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/strictjson"
)

// mustBeInvalid checks that an error is one about an input, and which.
func mustBeInvalid(t *testing.T, err error, field string) {
	t.Helper()
	if invalid, is := errors.AsType[*config.InvalidError](err); !is || invalid.Field != field || !utf8.ValidString(invalid.Rule) || len(invalid.Rule) > 1000 {
		t.Errorf("got %v, want one about %s", err, field)
	}
}

// linesOf returns the lines of a header; "" is no header.
func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// tagList is a line of If-Match, as RFC 9110 (5.6.1, 8.8.3) has it, but with any byte in a tag.
var (
	tagList  = regexp.MustCompile(`(?s)\A[ \t,]*((W/)?"[^"]*"([ \t]*,[ \t,]*(W/)?"[^"]*")*[ \t,]*)?\z`)
	tagInner = regexp.MustCompile(`(?s)"([^"]*)"`)
)

// FuzzConditions compares If-Match and If-None-Match with their grammar. A tag that names a
// revision is one that answers have, and a client that sends it has the answer already.
func FuzzConditions(f *testing.F) {
	for _, seed := range []string{`*`, `"3-9f3a21c0"`, `W/"3-9f3a21c0-j", "4"`, `"5"`, `"3-9f3a21c0`, `"a" "b"`, `,,"a",,`, ` * `, `*, "a"`, "\"a\"\n\"b\"",
		`"9223372036854775808"`, `"+3"`, `"03-9f3a21c0"`, `"3-9F3A21C0"`, `w/"3"`, `""`, "*\n*", `"` + strings.Repeat("é", 99) + `"`} {
		f.Add(seed, "")
		f.Add("", seed)
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, match, noneMatch string) {
		header := http.Header{ifMatch: linesOf(match), ifNoneMatch: linesOf(noneMatch)}
		var fields config.Fields
		err := readConditions(&fields, header)
		firstBad := ""
		for _, name := range []string{ifNoneMatch, ifMatch} {
			if lines := header[name]; len(lines) > 0 && !isTagList(lines) {
				firstBad = name
			}
		}
		if firstBad != "" || err != nil {
			mustBeInvalid(t, err, firstBad)
			return
		}
		given := 0
		for _, lines := range header {
			given += min(len(lines), 1)
			checkTags(t, lines)
		}
		if fields.ExpectedVersion != nil {
			given--
		}
		if len(fields.Conditions) != given {
			t.Errorf("%q, %q: got %+v and version %v", match, noneMatch, fields.Conditions, fields.ExpectedVersion)
		}
	})
}

func isTagList(lines []string) bool {
	if len(lines) == 1 && strings.Trim(lines[0], " \t") == "*" {
		return true
	}
	for _, line := range lines {
		if !tagList.MatchString(line) {
			return false
		}
	}
	return strings.Contains(strings.Join(lines, ""), `"`)
}

func checkTags(t *testing.T, lines []string) {
	t.Helper()
	tags, any, ok := parseTags(lines)
	inner := tagInner.FindAllStringSubmatch(strings.Join(lines, "\n"), -1)
	if len(lines) == 0 || any {
		return
	}
	if !ok || len(tags) != len(inner) {
		t.Fatalf("%q: got %d tags, want %d", lines, len(tags), len(inner))
	}
	for i, tag := range tags {
		if tag.opaque != inner[i][1] {
			t.Errorf("%q: tag %d is %q, want %q", lines, i, tag.opaque, inner[i][1])
		}
		if m, is := parseRevisionTag(tag.opaque); is && !m.AnyHash {
			isWritten := false
			for _, as := range []form{textForm, jsonForm} {
				answer := http.Header{}
				describe(answer, revisionTag{m.Version, m.Hash}, as, eventstore.Position{})
				if answer[etag][0] == `"`+tag.opaque+`"` {
					isWritten = isKnown(http.Header{ifNoneMatch: lines}, answer)
				}
			}
			if !isWritten {
				t.Errorf("%q names version %d, but no answer that the client has carries it", tag.opaque, m.Version)
			}
		}
	}
}

// FuzzReason shows that each reason comes through Config-Reason as JavaScript and Go encode it, and
// that a header is read when it is ASCII whose every % stands before two hex digits.
func FuzzReason(f *testing.F) {
	for _, seed := range []string{"", "slow%20bank", "%zz", "%", "a+b", "é", "%ff", "%00", "%u0041", "A\x1bB", "100%25", strings.Repeat("r", 1025)} {
		f.Add(seed)
	}
	percented := regexp.MustCompile(`\A([\x00-\x24\x26-\x7f]|%[0-9A-Fa-f]{2})*\z`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, sent := range []string{url.PathEscape(text), strings.ReplaceAll(url.QueryEscape(text), "+", "%20")} {
			if got, err := readReason(http.Header{configReason: {sent}}); err != nil || *got != text {
				t.Errorf("%q sent as %q: got %v, %v", text, sent, got, err)
			}
		}
		got, err := readReason(http.Header{configReason: {text}})
		if want := percented.MatchString(text); err == nil != want {
			t.Errorf("%q: got %v, want a reason: %t", text, err, want)
		}
		if err != nil {
			mustBeInvalid(t, err, configReason)
			return
		}
		reason, err := config.ParseReason(*got)
		if want := utf8.ValidString(*got) && !strings.Contains(*got, "\x00") && len(*got) <= config.MaxReasonBytes; err == nil != want {
			t.Errorf("%q: got %v, want a reason: %t", text, err, want)
		}
		if err != nil {
			mustBeInvalid(t, err, "reason")
		} else if reason.String() != *got {
			t.Errorf("%q: kept as %q", text, reason)
		}
	})
}

// decodesAlike decodes a body strictly. What is taken, encoding/json reads in the same way, also
// after it was written again.
func decodesAlike[T any](t *testing.T, data []byte) (body T, ok bool) {
	t.Helper()
	if err := strictjson.Decode(data, &body, strictjson.Options{}); err != nil {
		return body, false
	}
	var want, again T
	if err := json.Unmarshal(data, &want); err != nil || !reflect.DeepEqual(body, want) {
		t.Fatalf("%q: got %+v, encoding/json says %+v, %v", data, body, want, err)
	}
	written, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := strictjson.Decode(written, &again, strictjson.Options{}); err != nil || !reflect.DeepEqual(body, again) {
		t.Fatalf("%q, written again as %q: got %+v, %v", data, written, again, err)
	}
	return body, true
}

// FuzzChangeSet shows that a change set's body means to every reader the same changes, in their
// order, and that what is wrong with one is about an input.
func FuzzChangeSet(f *testing.F) {
	for _, seed := range []string{
		`{"changes":[{"set":{"name":"a","value":"1"}},{"delete":{"name":"b"}}],"reason":"r","dryRun":true}`,
		`{"changes":[{"restore":{"name":"a","expectedVersion":3}},{"set":{"name":"b","value":"","onlyIfChanged":true,"expectedRevision":"3-9f3a21c0"}}]}`,
		`{"changes":[{"set":{"name":"a","value":"\ud83d"}}]}`, `{"changes":[{"set":{"name":"a","value":"1","value":"2"}}]}`,
		`{"changes":[{}]}`, `{"changes":[{"set":null,"delete":{"name":"a"}}]}`, `{"changes":[{"delete":{"name":"a","expectedVersion":1e400}}]}`,
		`{"changes":[{"delete":{"Name":"a"}}]}`, `{"changes":null}`, `{"changes":[]}`, `[]`, `{"changes":[{"delete":{"name":"a","expectedVersion":9223372036854775808}}]}`,
		`{"changes":[` + strings.Repeat(`{"delete":{"name":"a"}},`, config.MaxChanges) + `{"delete":{"name":"b"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		body, ok := decodesAlike[applyBody](t, data)
		if !ok || body.Changes == nil {
			return
		}
		changes, err := fieldsOfChanges(*body.Changes, config.DefaultMaxValueBytes)
		if err != nil {
			mustBeInvalid(t, err, "body")
			return
		}
		set := config.ChangeSetFields{Changes: changes, DryRun: body.DryRun, Reason: body.Reason}.Parse()
		if invalid := config.CheckCount(len(changes)); invalid != nil {
			if len(set.Invalid) == 0 || len(set.Changes) > 0 {
				t.Errorf("%q: %d changes were taken", data, len(changes))
			}
			return
		}
		for i, change := range set.Changes {
			if named := changes[i].Name; (change.Command == nil) != (len(change.Invalid) > 0) || change.Command != nil && change.Command.Target().String() != named {
				t.Errorf("%q: change %d of %q is %+v", data, i, named, change)
			}
		}
	})
}

// FuzzTokenBody does the same for bodies about tokens, with each operation.
func FuzzTokenBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"ci","grants":[{"actions":["READ","WRITE"],"prefix":"app"}],"expiresAt":"2027-01-15T10:30:00Z"}`,
		`{"grants":[{"actions":["ADMIN"],"prefix":""}],"expectedVersion":2}`, `{"keepOldUntil":"2027-01-15T10:30:60Z"}`,
		`{"name":"ci","grants":[{"actions":[],"prefix":"a//b"}]}`, `{"name":"ci","grants":[{"actions":["read"],"prefix":"a"}]}`,
		`{"name":"ci","grants":[null]}`, `{"expectedVersion":-1}`, `{"name":"ci","grants":[],"expiresAt":"0001-01-01T00:00:00Z"}`, `{"reason":"A\u001bB"}`, `{}`, ``,
	} {
		for _, match := range []string{"", `"3"`, "*"} {
			f.Add(seed, match)
		}
	}
	f.Fuzz(func(t *testing.T, data, match string) {
		body, ok := decodesAlike[tokenBody](t, []byte(data))
		for _, op := range []operation{createToken, rotateToken, changeGrants, revokeToken} {
			r, err := http.NewRequest(http.MethodPost, "/tokens", strings.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			r.Header[ifMatch] = linesOf(match)
			request, err := readTokenRequest(nil, r, op, "ci")
			if err != nil {
				if invalid, is := errors.AsType[*config.InvalidError](err); !is || !utf8.ValidString(invalid.Error()) {
					t.Errorf("%q: got %v", data, err)
				}
				continue
			}
			if len(data) > 0 && !ok {
				t.Errorf("%q was taken", data)
			}
			checkTokenRequest(t, op, body, request)
		}
	})
}

// checkTokenRequest checks that a request says what its body does.
func checkTokenRequest(t *testing.T, op operation, body tokenBody, request tokenRequest) {
	t.Helper()
	name := "ci"
	if op == createToken {
		name = *body.Name
	}
	grants := 0
	if body.Grants != nil {
		grants = len(*body.Grants)
	}
	if request.fields.Name != name || len(request.fields.Grants) != grants ||
		(request.fields.ExpiresAt == nil) != (body.ExpiresAt == nil) || (request.fields.KeepOldUntil == nil) != (body.KeepOldUntil == nil) ||
		body.ExpectedVersion != nil && *request.fields.ExpectedVersion != *body.ExpectedVersion {
		t.Errorf("%+v was read as %+v", body, request.fields)
	}
	issue, noIssue := request.fields.Issue()
	if noIssue == nil && (request.fields.ExpiresAt == nil) != issue.ExpiresAt.IsZero() {
		t.Errorf("%+v: the token expires at %v", body, issue.ExpiresAt)
	}
	_, noRotation := request.fields.Rotate()
	_, noChange := request.fields.ChangeGrants()
	_, noEnd := request.fields.Revoke()
	for _, err := range []error{noIssue, noRotation, noChange, noEnd} {
		if _, is := errors.AsType[*config.InvalidError](err); err != nil && !is {
			t.Errorf("%+v: got %v", request.fields, err)
		}
	}
}
