package fault

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

const pageFile = "../../docs/errors.md"

// TestPage compares docs/errors.md with the table that it is made from.
func TestPage(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/errors.md is not what the table says; make it with: go test ./internal/fault -run TestPage -update")
	}
}

// TestPageHasTheCodes shows that each code has a heading of the page, to which links lead.
func TestPageHasTheCodes(t *testing.T) {
	text := strings.ToLower(page())
	for _, k := range kinds() {
		if code := strings.ToLower(k.Code()); !strings.Contains(text, "\n## "+code+"\n") {
			t.Errorf("docs/errors.md#%s leads to no heading", code)
		}
	}
}

const introduction = `# Errors

<!-- Made from internal/fault/table.go by: go test ./internal/fault -run TestPage -update -->

An error has a stable **code** for programs and a text for people, which may change. The code is
the same on every edge:

- REST answers with problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), which have
  it in ` + "`code`. Their `type` is `about:blank`. The fixed texts `Not Found` and `Gone`" + ` have no code.
- GraphQL has it in ` + "`extensions.code`" + `, and in ` + "`code`" + ` where the schema has a type for the error. Such
  an answer has the status 200. With ` + "`Accept: application/graphql-response+json`" + ` an answer without
  data has the status 500 for INTERNAL, 503 for UNAVAILABLE, 401 for UNAUTHENTICATED, 403 for
  FORBIDDEN, 429 for RATE_LIMITED, and 400 for any other code. A request
  that is not GraphQL at all has the status below.
- The program ` + "`configapi`" + ` exits with the number in the last column, with 7 when the outcome of a
  write is unknown, and with 2 when a command cannot begin.

A status of 503 has a header ` + "`Retry-After`" + `. After any error nothing was written, except perhaps after
INTERNAL and after an UNAVAILABLE that says so, with ` + "`outcome_unknown`" + ` in REST and
` + "`extensions.outcomeUnknown`" + ` in GraphQL.
`

// page returns docs/errors.md: a section for each code, in the order of the table, and in it a row
// for each kind.
func page() string {
	var b strings.Builder
	b.WriteString(introduction)
	done := make(map[string]bool)
	for _, first := range kinds() {
		code := first.Code()
		if done[code] {
			continue
		}
		done[code] = true
		fmt.Fprintf(&b, "\n## %s\n\n| status | when | what to do | exit |\n|---|---|---|---|\n", code)
		for _, k := range kinds() {
			if k.Code() != code {
				continue
			}
			fmt.Fprintf(&b, "| %d | %s | %s | %d |\n", k.Status(), table[k].meaning, table[k].advice, k.ExitCode())
		}
	}
	return b.String()
}

// TestKindsEndWithTheTable shows that the tests look at the whole table.
func TestKindsEndWithTheTable(t *testing.T) {
	if got := len(kinds()); got != len(table) {
		t.Errorf("the tests know %d kinds, the table %d", got, len(table))
	}
}
