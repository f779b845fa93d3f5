package edgetest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// doGet reads a config in both forms, and something else.
func (s *twinServer) doGet(dice *rand.Rand) string {
	name := s.drawName(dice)
	path := "/config/" + url.PathEscape(name)
	other := pick(dice, path+"/history", path+"/at/"+s.drawInstant(dice), "/health", "/readyz", "/metrics", "/nowhere")
	if s.mayRead("everything") && (other == "/metrics" || other == "/health") { // they show much, and times
		other = path
	}
	var headers []string
	switch at := s.drawAt(dice); dice.IntN(4) {
	case 0:
		headers = []string{"If-None-Match", s.drawTags(dice, name)}
	case 1:
		headers = []string{"Config-At-Least", at}
	}
	var text strings.Builder
	for _, line := range []string{path, path, other} {
		accept := []string{"Accept", pick(dice, "*/*", "application/json")}
		text.WriteString(s.answer(twinRequest{line: pick(dice, "GET ", "GET ", "HEAD ") + line, headers: append(accept, headers...)}))
	}
	return text.String()
}

// drawTags draws a value of If-Match or If-None-Match.
func (s *twinServer) drawTags(dice *rand.Rand, name string) string {
	tag, own := s.tagOf(name), s.Own[dice.IntN(len(s.Own))].String()
	if tag == "" {
		tag = `"1-00000000"`
	}
	_, hash, _ := strings.Cut(own, "-")
	return pick(dice, "*", tag, tag, tag, strings.TrimSuffix(tag, `"`)+`-j"`, `"`+own+`"`, `"1-`+hash+`"`, `"1"`, `"2"`, "not a tag")
}

// doList reads the whole list, and asks for it again if it has changed.
func (s *twinServer) doList(dice *rand.Rand) string {
	r := twinRequest{line: "GET /config?prefix=" + url.QueryEscape(s.drawPrefix(dice))}
	response, body := s.exchange(r)
	text := s.text(r, response, body)
	r.headers = []string{"If-None-Match", response.Header.Get("ETag")}
	return text + s.answer(r)
}

// doPages reads one of the lists, page after page.
func (s *twinServer) doPages(dice *rand.Rand) string {
	query := url.Values{"first": {fmt.Sprint(1 + dice.IntN(4))}}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	from, to := s.drawMoment(dice), s.drawMoment(dice)
	path := pick(dice, "/config", "/changes", "/changes/recent", "/diff", "/deleted", "/children")
	set("prefix", s.drawPrefix(dice))
	switch path {
	case "/config":
		set("at", pick(dice, "", from))
		set("view", pick(dice, "", "full"))
		if dice.IntN(4) == 0 {
			query.Del("first")
		}
	case "/changes":
		if dice.IntN(3) > 0 {
			set("after", s.drawAt(dice))
		}
	case "/changes/recent":
		set("name", pick(dice, "", "", s.drawName(dice)))
		set("actor", pick(dice, "", "", "ann", "caller", "hidden actor"))
		set("operation", pick(dice, "", "CREATED", "DELETED,RESTORED"))
		if dice.IntN(3) == 0 {
			set("since", s.drawInstant(dice))
		}
		if dice.IntN(3) == 0 {
			set("until", s.drawInstant(dice))
		}
	case "/diff":
		set("from", from)
		if dice.IntN(2) == 0 {
			set("to", to)
		}
		set("toPrefix", pick(dice, "", "", "a", "b", "a/b", "b/a"))
	case "/deleted":
		set("contains", pick(dice, "", "", "B", "/", "c", "-"))
	}
	return path + s.pages(path+"?"+query.Encode())
}

// pages reads pages from an address on, to their end. It returns all of the first answer when the
// pages have their usual length, and of the others what is in their lists. Pages of changes are
// shorter, or do not say that they are the last one, where something is hidden.
func (s *twinServer) pages(address string) string {
	var text strings.Builder
	joined := s.EndsPages || strings.HasPrefix(address, "/changes")
	for n := 0; address != ""; n++ {
		if n > 1000 {
			s.T.Fatalf("seed %d, operation %d: the pages of %s do not end", s.Seed, s.Step, address)
		}
		r := twinRequest{line: "GET " + address}
		response, body := s.exchange(r)
		whole := s.text(r, response, body)
		if response.StatusCode != 200 || !joined {
			text.WriteString(whole)
		} else {
			text.WriteString(s.elements(body))
		}
		next, err := url.Parse(address)
		s.Must(err)
		link, _, found := strings.Cut(strings.TrimPrefix(response.Header.Get("Link"), "<"), ">")
		if address = ""; found {
			s.mustNotLeak(link)
			next, err = next.Parse(link)
			s.Must(err)
			address = next.String()
		}
	}
	return text.String()
}

// mustNotLeak fails if a page of a list by name ends at a name that the caller may not read.
func (s *twinServer) mustNotLeak(link string) {
	for _, text := range opaqueText.FindAllString(link, -1) {
		cursor := strings.Fields(s.readable(text))
		if end := cursor[len(cursor)-1]; cursor[0] == "cursor" && strings.Contains("clsh", cursor[1]) && !s.mayRead(end) {
			s.T.Fatalf("seed %d, operation %d: a page ends at %s: %s", s.Seed, s.Step, end, cursor)
		}
	}
}

// elements returns the elements of the list that a page has, one on each line.
func (s *twinServer) elements(body string) string {
	var list []json.RawMessage
	if !strings.HasPrefix(body, "[") {
		var members map[string]json.RawMessage
		s.Must(json.Unmarshal([]byte(body), &members))
		for _, name := range []string{"changes", "revisions", "differences", "children", "tokens"} {
			if members[name] != nil {
				body = string(members[name])
			}
		}
	}
	s.Must(json.Unmarshal([]byte(body), &list))
	var text strings.Builder
	for _, element := range list {
		fmt.Fprintln(&text, s.canonical(string(element)))
	}
	return text.String()
}

func (s *twinServer) doSingle(dice *rand.Rand) string {
	name := s.drawWritable(dice)
	path, value := "/config/"+url.PathEscape(name), fmt.Sprint(dice.IntN(3))
	var r twinRequest
	switch dice.IntN(4) {
	case 0:
		r.line = "DELETE " + path
	case 1:
		r.line, r.body = "POST "+path+"/restore", pick(dice, "", `{"value":"`+value+`"}`)
	default:
		r.line, r.body = "PUT "+path, `{"value":"`+value+`"}`
		if dice.IntN(3) == 0 {
			r.headers = append(r.headers, "Config-Only-If-Changed", "true")
		}
		if dice.IntN(2) == 0 {
			r.headers = append(r.headers, "Config-Restore", "true")
		}
	}
	match, tags := pick(dice, "If-Match", "If-None-Match"), s.drawTags(dice, name)
	if dice.IntN(3) == 0 {
		r.headers = append(r.headers, match, tags)
	}
	if reason := drawReason(dice); reason != "" {
		r.headers = append(r.headers, "Config-Reason", reason)
	}
	return s.write(s.withKey(r, dice))
}

func (s *twinServer) withKey(r twinRequest, dice *rand.Rand) twinRequest {
	if key := drawKey(dice); key != "" {
		r.headers = append(r.headers, "Idempotency-Key", key)
	}
	return r
}

func (s *twinServer) doSet(dice *rand.Rand) string {
	return s.write(s.withKey(twinRequest{line: "POST /changes", body: mustMarshal(s.drawSet(dice))}, dice))
}

func (s *twinServer) doRevert(dice *rand.Rand) string {
	body := object{"to": s.drawMoment(dice)}
	if prefix := pick(dice, s.drawPrefix(dice), s.drawWritable(dice)); prefix != "" {
		body["prefix"] = prefix
	}
	return s.write(s.withKey(twinRequest{line: "POST /revert", body: mustMarshal(s.drawMembers(dice, body, true))}, dice))
}

func (s *twinServer) doUndo(dice *rand.Rand) string {
	line := "POST /changes/" + s.drawUndone(dice) + "/revert"
	body := object{"onConflict": pick(dice, "FAIL", "SKIP", "OVERWRITE")}
	return s.write(s.withKey(twinRequest{line: line, body: mustMarshal(s.drawMembers(dice, body, false))}, dice))
}

// doTokens makes, lists and changes tokens. Those that are in the busy store alone may do
// everything, which the caller may not.
func (s *twinServer) doTokens(dice *rand.Rand) string {
	grants := []object{{"actions": []string{pick(dice, "READ", "WRITE", "ADMIN")}, "prefix": s.drawPrefix(dice)}}
	name := pick(dice, "token-0", "token-1", "caller", "root", fmt.Sprint("own-", dice.IntN(s.issued+1)))
	switch dice.IntN(6) {
	case 0:
		s.issued++
		return s.answer(twinRequest{line: "POST /tokens", body: mustMarshal(object{"name": fmt.Sprint("own-", s.issued), "grants": grants})})
	case 1:
		return s.answer(twinRequest{line: "PUT /tokens/" + name + "/grants", body: mustMarshal(object{"grants": grants})})
	case 2:
		return s.answer(twinRequest{line: "DELETE /tokens/" + name, body: `{"expectedVersion":7}`})
	case 3:
		if name != "caller" { // whose secret is needed
			return s.answer(twinRequest{line: "POST /tokens/" + name + "/rotate"})
		}
	}
	return s.pages(pick(dice, "/tokens", "/tokens?first=1"))
}
