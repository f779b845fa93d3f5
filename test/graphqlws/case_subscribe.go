package graphqlws

import "fmt"

var subscribeCases = []Case{
	{Name: "subscribe/query", Source: Protocol, Needs: []string{"Query"},
		Rule: "A query has one next, then complete.",
		try:  func(t *trial) { t.wantOneAnswer(t.target.Query) }},
	{Name: "subscribe/mutation", Source: Protocol, Needs: []string{"Mutation"},
		Rule: "A mutation has one next, then complete.",
		try:  func(t *trial) { t.wantOneAnswer(t.target.Mutation) }},
	{Name: "subscribe/subscription", Source: Protocol, Needs: []string{"Subscription"},
		Rule: "A subscription has a next for each result.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Subscription)
			for range 3 {
				s.want("next", "1")
			}
		}},
	{Name: "subscribe/stream-ends", Source: Protocol, Needs: []string{"Finite"},
		Rule: "A stream that ends by itself ends with complete.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Finite)
			s.want("next", "1")
			s.await("complete", "1")
			s.wantNothing()
		}},
	{Name: "subscribe/stream-fails", Source: Protocol, Needs: []string{"Failing"},
		Rule: "A stream that ends with an error ends with error, and has no complete.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Failing)
			s.await("error", "1")
			s.wantNothing()
		}},
	{Name: "subscribe/syntax-error", Source: Protocol,
		Rule: "A document that does not parse has error and no complete, and the socket stays.",
		try:  func(t *trial) { t.wantError(`"query":"{"`) }},
	{Name: "subscribe/validation-error", Source: Protocol,
		Rule: "A document that is not valid has error and no complete, and the socket stays.",
		try: func(t *trial) {
			t.wantError(`"query":"{thisFieldDoesNotExist}"`)
			t.wantError(`"query":"subscription{thisFieldDoesNotExist}"`)
		}},
	{Name: "subscribe/unknown-operation", Source: Protocol, Needs: []string{"Query"},
		Rule: "An operationName that the document does not have gets error and no complete, and the socket stays.",
		try: func(t *trial) {
			t.wantError(fmt.Sprintf(`"query":%s,"operationName":"ThisDoesNotExist"`, quote(t.target.Query)))
		}},
	{Name: "subscribe/null-members", Source: Protocol, Needs: []string{"Query"},
		Rule: "operationName, variables and extensions may be null.",
		try: func(t *trial) {
			s := t.open()
			s.sendMessage(fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"operationName":null,"query":%s,"variables":null,"extensions":null}}`, quote(t.target.Query)))
			s.wantAnswer("1")
		}},
	{Name: "subscribe/several-at-once", Source: Protocol, Needs: []string{"Subscription", "Query", "Mutation"},
		Rule: "Operations with different ids run on one socket at the same time, and their messages may mix.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("one", t.target.Subscription)
			s.await("next", "one")
			s.subscribe("two", t.target.Subscription)
			s.await("next", "two")
			for id, document := range map[string]string{"query": t.target.Query, "mutation": t.target.Mutation} {
				s.subscribe(id, document)
				s.await("next", id)
				s.await("complete", id)
			}
			s.await("next", "one")
			s.await("next", "two")
		}},
	{Name: "subscribe/id-as-sent", Source: Protocol, Needs: []string{"Query"},
		Rule: "An id may be any text, and comes back as it was.",
		try: func(t *trial) {
			s := t.open()
			for _, id := range []string{"0", " ", `"quoted" \ </id>`, "é🙂\u2028\x7f", "line\nbreak\x00"} {
				s.subscribe(id, t.target.Query)
				s.wantAnswer(id)
			}
		}},
	{Name: "subscribe/id-in-use", Source: Protocol, Needs: []string{"Subscription"},
		Rule: "subscribe with the id of a running subscription closes the socket with 4409, Subscriber for <id> already exists.",
		try:  func(t *trial) { t.wantDuplicate(t.target.Subscription) }},
	{Name: "subscribe/id-in-use-by-query", Source: Protocol, Needs: []string{"SlowQuery"},
		Rule: "subscribe with the id of a query that still runs closes the socket with 4409: all operations share their ids.",
		try:  func(t *trial) { t.wantDuplicate(t.target.SlowQuery) }},
	{Name: "subscribe/id-free-after-complete", Source: Protocol, Needs: []string{"Query"},
		Rule: "An id is free again when its operation is complete.",
		try: func(t *trial) {
			s := t.open()
			for range 20 {
				s.subscribe("1", t.target.Query)
				s.wantAnswer("1")
			}
		}},
	{Name: "subscribe/id-free-after-error", Source: Protocol, Needs: []string{"Query"},
		Rule: "An id is free again when its operation has ended with error.",
		try: func(t *trial) {
			s := t.open()
			for range 20 {
				s.subscribe("1", "{")
				s.want("error", "1")
			}
			s.subscribe("1", t.target.Query)
			s.wantAnswer("1")
		}},
}

func (t *trial) wantOneAnswer(document string) {
	s := t.open()
	s.subscribe("1", document)
	s.wantAnswer("1")
	s.wantNothing()
}

// wantError sends an operation whose payload has these members.
func (t *trial) wantError(members string) {
	s := t.open()
	s.sendMessage(`{"id":"1","type":"subscribe","payload":{` + members + `}}`)
	s.want("error", "1")
	s.wantNothing()
}

// wantDuplicate sends an operation whose id is still in use.
func (t *trial) wantDuplicate(document string) {
	s := t.open()
	s.subscribe("1", document)
	s.subscribe("1", document)
	s.wantClose("Subscriber for 1 already exists", 4409)
}
