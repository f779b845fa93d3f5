package edgetest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
)

// Selections of all fields.
const (
	changeFields   = `id configId name operation value oldValue version position changeSet committedAt actor reason reverts erased`
	streamedFields = `{` + changeFields + `}`
	revisionFields = `{config{id version} ` + changeFields + `}`
	configFields   = `{id name value version createdAt updatedAt revision` + revisionFields + `}`
	errorFields    = `__typename ...on UserError{code message path}...on ForbiddenError{action}...on DeletedError{revision` + revisionFields +
		`}...on VersionConflictError{current` + revisionFields + `}...on NotDeletedError{current` + revisionFields +
		`}...on StaleError{current` + revisionFields + `}...on RevertConflictError{change` + revisionFields + ` current` + revisionFields + `}`
	changedFields = `{` + errorFields + `...on ConfigChanged{changed position config` + configFields + ` revision` + revisionFields + `}}`
	setFields     = `{__typename ...on ConfigsChanged{unchanged position dryRun revisions` + revisionFields + `}...on ChangesRejected{position errors{` + errorFields + `}}}`
)

// ask sends an operation over HTTP, as an event stream or over the websocket, and returns the
// answer as a text.
func (s *twinServer) ask(dice *rand.Rand, query string, variables object) string {
	body := mustMarshal(object{"query": query, "variables": variables})
	r := twinRequest{line: "POST /graphql", body: body}
	switch dice.IntN(6) {
	case 0:
		r.headers = []string{"Accept", "application/graphql-response+json"}
	case 1:
		text := s.socket().ask(s.T, query, variables)
		s.CatchUp()
		return s.canonical(text)
	}
	return s.answer(r)
}

// asked sends a query over HTTP, and returns the answer, and its field of that name.
func (s *twinServer) asked(query string, variables object, field string) (whole string, value map[string]json.RawMessage) {
	r := twinRequest{line: "POST /graphql", body: mustMarshal(object{"query": query, "variables": variables})}
	response, body := s.exchange(r)
	var answer struct {
		Data map[string]map[string]json.RawMessage
	}
	s.Must(json.Unmarshal([]byte(body), &answer))
	return s.text(r, response, body), answer.Data[field]
}

// connections are the fields of Query that have pages, with what each takes and has.
var connections = []struct{ field, takes, nodes string }{
	{"configs", "$filter:ConfigFilterInput,$contains:String,$orderBy:ConfigOrder", configFields},
	{"configs", "$filter:ConfigFilterInput,$contains:String,$orderBy:ConfigOrder", configFields},
	{"deletedConfigs", "$filter:ConfigFilterInput,$contains:String", revisionFields},
	{"children", "$prefix:String", `{segment name below config` + configFields + `}`},
	{"history", "$name:ConfigName!", revisionFields},
	{"recentChanges", "$changes:ChangeFilterInput", revisionFields},
	{"diff", "$from:AsOfInput!,$to:AsOfInput,$filter:ConfigFilterInput,$toPrefix:String", `{name moreChanges before` + revisionFields + ` after` + revisionFields + ` changes` + revisionFields + `}`},
}

// doConnection reads a connection, page after page.
func (s *twinServer) doConnection(dice *rand.Rand) string {
	c := pick(dice, connections...)
	counts := ""
	if c.field == "configs" || c.field == "diff" {
		counts = " totalCount"
	}
	variables := s.drawVariables(dice)
	arguments := ""
	for _, taken := range strings.Fields(strings.ReplaceAll(c.takes, ",", " ")) {
		variable, _, _ := strings.Cut(taken, ":")
		arguments += fmt.Sprintf(",%s:%s", strings.Replace(variable[1:], "changes", "filter", 1), variable)
	}
	query := fmt.Sprintf(`query($first:Int,$after:String,%s){%s(first:$first,after:$after%s){nodes%s pageInfo{hasNextPage hasPreviousPage startCursor endCursor}%s}}`,
		c.takes, c.field, arguments, c.nodes, counts)
	var text strings.Builder
	count := ""
	for n := 0; ; n++ {
		whole, page := s.asked(query, variables, c.field)
		if page == nil {
			return text.String() + whole
		}
		if s.EndsPages || c.field == "recentChanges" {
			text.WriteString(s.elements(mustMarshal(object{"revisions": page["nodes"]})))
			count = string(page["totalCount"])
		} else {
			text.WriteString(whole)
		}
		var info struct {
			HasNextPage bool
			EndCursor   *string
		}
		s.Must(json.Unmarshal(page["pageInfo"], &info))
		if !info.HasNextPage {
			return text.String() + count
		}
		if n > 1000 || info.EndCursor == nil {
			s.T.Fatalf("seed %d, operation %d: the pages of %s do not end", s.Seed, s.Step, query)
		}
		s.mustNotLeak(*info.EndCursor)
		variables["after"] = *info.EndCursor
	}
}

// drawVariables draws the arguments of all connections.
func (s *twinServer) drawVariables(dice *rand.Rand) object {
	variables := object{
		"first": 1 + dice.IntN(4), "name": s.drawName(dice), "orderBy": pick(dice, "NAME", "CHANGED"),
		"filter": s.drawFilter(dice), "changes": s.drawChangeFilter(dice), "from": s.drawAsOf(dice),
	}
	prefix, to := s.drawPrefix(dice), s.drawAsOf(dice)
	if dice.IntN(2) == 0 {
		variables["prefix"] = prefix
		variables["to"] = to
	}
	if dice.IntN(4) == 0 {
		variables["contains"] = pick(dice, "B", "/", "c", "-", "x")
	}
	if dice.IntN(3) == 0 {
		variables["toPrefix"] = pick(dice, "a", "b", "c", "a/b", "b/a")
	}
	return variables
}

func (s *twinServer) drawFilter(dice *rand.Rand) object {
	filter := object{}
	if prefix := s.drawPrefix(dice); prefix != "" {
		filter["prefix"] = prefix
	}
	if dice.IntN(4) == 0 {
		filter["names"] = []string{s.drawName(dice), s.drawName(dice), s.drawName(dice)}
	}
	return filter
}

func (s *twinServer) drawChangeFilter(dice *rand.Rand) object {
	filter := s.drawFilter(dice)
	more := object{
		"actor":      pick(dice, "ann", "caller", "hidden actor"),
		"operations": []string{pick(dice, "CREATED", "DELETED"), "RESTORED"},
		"since":      s.drawInstant(dice), "until": s.drawInstant(dice),
	}
	if name := pick(dice, "", "", "actor", "operations", "since", "until"); name != "" {
		filter[name] = more[name]
	}
	return filter
}

func (s *twinServer) drawAsOf(dice *rand.Rand) object {
	at := object{"position": s.drawAt(dice)}
	if instant := s.drawInstant(dice); dice.IntN(2) == 0 {
		return object{"time": instant}
	}
	return at
}

// doChanges reads the history from a position on.
func (s *twinServer) doChanges(dice *rand.Rand) string {
	const query = `query($after:Position,$filter:ConfigFilterInput,$first:Int){changes(after:$after,filter:$filter,first:$first){position caughtUp changes` + revisionFields + `}}`
	variables := object{"after": s.drawAt(dice), "filter": s.drawFilter(dice), "first": 1 + dice.IntN(4)}
	var text strings.Builder
	for {
		whole, batch := s.asked(query, variables, "changes")
		if batch == nil {
			return text.String() + whole
		}
		text.WriteString(s.elements(mustMarshal(object{"revisions": batch["changes"]})))
		if string(batch["caughtUp"]) == "true" {
			return text.String() + s.canonical(string(batch["position"]))
		}
		variables["after"] = batch["position"]
	}
}

// doLookup asks for configs by name alone, which is answered in a way of its own.
func (s *twinServer) doLookup(dice *rand.Rand) string {
	const query = `query($a:ConfigName!,$b:ConfigName!){a:config(name:$a){id name value version} b:config(name:$b){value createdAt updatedAt}}`
	return s.ask(dice, query, object{"a": s.drawName(dice), "b": s.drawName(dice)})
}

// doNode asks for objects by ids, also by those of what is hidden.
func (s *twinServer) doNode(dice *rand.Rand) string {
	const fields = `__typename id ...on Config` + configFields + `...on ConfigRevision` + revisionFields + `...on Token{name version}`
	own := s.Own[dice.IntN(len(s.Own))].String()
	variables := object{}
	for variable, id := range map[string]string{
		"a": "c:" + s.drawName(dice), "b": "r:" + s.oneOf(s.Secrets, dice), "c": "r:" + s.oneOf(s.Secrets, dice),
		"d": pick(dice, "r:"+own, "t:token-0", "t:caller", "t:own-1"),
	} {
		variables[variable] = base64.RawURLEncoding.EncodeToString([]byte(id))
	}
	const query = `query($a:ID!,$b:ID!,$c:ID!,$d:ID!){a:node(id:$a){` + fields + `} b:node(id:$b){` + fields + `} c:node(id:$c){` + fields + `} d:node(id:$d){` + fields + `}}`
	return s.ask(dice, query, variables)
}

// doMutation changes something, or asks what a change would do.
func (s *twinServer) doMutation(dice *rand.Rand) string {
	input := object{}
	field, kind, fields := "", "", setFields
	switch dice.IntN(6) {
	case 0:
		field, kind = "applyConfigs", "ApplyConfigsInput"
		maps.Copy(input, s.drawSet(dice))
	case 1:
		field, kind = "revertConfigs", "RevertConfigsInput"
		input = s.drawMembers(dice, object{"to": s.drawAsOf(dice), "filter": s.drawFilter(dice)}, true)
	case 2:
		field, kind = "revertChangeSet", "RevertChangeSetInput"
		input = s.drawMembers(dice, object{"changeSet": s.drawUndone(dice), "onConflict": pick(dice, "FAIL", "SKIP", "OVERWRITE")}, false)
	default:
		var of string
		of, input = s.drawChange(dice, s.drawWritable(dice))
		field, kind, fields = of+"Config", strings.ToUpper(of[:1])+of[1:]+"ConfigInput", changedFields
		if reason := drawReason(dice); reason != "" {
			input["reason"] = reason
		}
	}
	if key := drawKey(dice); key != "" {
		input["idempotencyKey"] = key
	}
	if dice.IntN(2) == 0 && !s.EndsPages {
		outcome := loadSchema().Types[loadSchema().Mutation.Fields.ForName(field).Type.Name()]
		fields = "{" + document{s, dice}.selection(outcome, 0) + "}"
	}
	query := fmt.Sprintf(`mutation($input:%s!){%s(input:$input)%s}`, kind, field, fields)
	return s.write(twinRequest{line: "POST /graphql", body: mustMarshal(object{"query": query, "variables": object{"input": input}})})
}
