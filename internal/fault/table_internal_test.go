package fault

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// kinds returns all kinds of the table.
func kinds() []Kind {
	var all []Kind
	for k := Internal; k <= PersistedQuery; k++ {
		all = append(all, k)
	}
	return all
}

// TestTableIsComplete shows that each kind says something on every edge.
func TestTableIsComplete(t *testing.T) {
	for _, k := range kinds() {
		switch {
		case k.Code() == "":
			t.Errorf("kind %d has no code", k)
		case http.StatusText(k.Status()) == "":
			t.Errorf("%s has the status %d, which HTTP does not have", k.Code(), k.Status())
		case k.ExitCode() == 0:
			t.Errorf("%s has the exit code of success", k.Code())
		}
	}
}

// TestTableKeepsItsCodes fixes what clients rely on: a kind's code and status.
func TestTableKeepsItsCodes(t *testing.T) {
	for kind, want := range map[Kind]struct {
		code   string
		status int
	}{
		Internal:            {"INTERNAL", 500},
		InvalidInput:        {"INVALID_INPUT", 400},
		TooLarge:            {"INVALID_INPUT", 413},
		NotFound:            {"NOT_FOUND", 404},
		Deleted:             {"DELETED", 410},
		NotDeleted:          {"NOT_DELETED", 409},
		VersionConflict:     {"VERSION_CONFLICT", 412},
		PositionUnknown:     {"POSITION_UNKNOWN", 400},
		PositionNotReached:  {"POSITION_NOT_REACHED", 504},
		IdempotencyMismatch: {"IDEMPOTENCY_MISMATCH", 422},
		Stale:               {"STALE", 409},
		RevertBlocked:       {"REVERT_CONFLICT", 409},
		Erased:              {"ERASED", 409},
		Denied:              {"FORBIDDEN", 403},
		Unauthenticated:     {"UNAUTHENTICATED", 401},
		Unavailable:         {"UNAVAILABLE", 503},
		LimitExceeded:       {"LIMIT_EXCEEDED", 413},
		TooManyStreams:      {"LIMIT_EXCEEDED", 429},
		MethodNotAllowed:    {"INVALID_INPUT", 405},
		NotAcceptable:       {"INVALID_INPUT", 406},
		BodyTimeout:         {"INVALID_INPUT", 408},
		UnsupportedMedia:    {"INVALID_INPUT", 415},
		Forbidden:           {"FORBIDDEN", 403},
		OpenServer:          {"FORBIDDEN", 403},
		SchemaHidden:        {"FORBIDDEN", 403},
		RateLimited:         {"RATE_LIMITED", 429},
		WrongHost:           {"FORBIDDEN", 421},
		ParseFailed:         {"GRAPHQL_PARSE_FAILED", 400},
		ValidationFailed:    {"GRAPHQL_VALIDATION_FAILED", 400},
		PersistedQuery:      {"PERSISTED_QUERY_NOT_SUPPORTED", 200},
	} {
		if kind.Code() != want.code || kind.Status() != want.status {
			t.Errorf("kind %d: got %s, %d, want %+v", kind, kind.Code(), kind.Status(), want)
		}
	}
}

// TestExitCodes fixes what scripts rely on: the exit code of a code.
func TestExitCodes(t *testing.T) {
	want := map[string]int{
		"INTERNAL": 9, "INVALID_INPUT": 8, "LIMIT_EXCEEDED": 8, "POSITION_UNKNOWN": 8,
		"NOT_FOUND": 3, "DELETED": 3,
		"NOT_DELETED": 4, "VERSION_CONFLICT": 4, "STALE": 4, "IDEMPOTENCY_MISMATCH": 4, "REVERT_CONFLICT": 4, "ERASED": 4,
		"FORBIDDEN": 5, "UNAUTHENTICATED": 5, "RATE_LIMITED": 5,
		"UNAVAILABLE": 6, "POSITION_NOT_REACHED": 6,
		"GRAPHQL_PARSE_FAILED": 8, "GRAPHQL_VALIDATION_FAILED": 8, "PERSISTED_QUERY_NOT_SUPPORTED": 8,
	}
	for _, k := range kinds() {
		if got := k.ExitCode(); got != want[k.Code()] {
			t.Errorf("%s: got %d, want %d", k.Code(), got, want[k.Code()])
		}
	}
	for err, want := range map[error]int{
		nil:                   0,
		errors.New("a fault"): 9,
		NotWritten(nil):       6,
		fmt.Errorf("setting: %w", OutcomeUnknown(nil)): 7,
	} {
		if got := ExitCode(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
}

// TestResponseStatus has the codes that have a status of their own in GraphQL over HTTP.
func TestResponseStatus(t *testing.T) {
	own := map[string]int{"INTERNAL": 500, "UNAUTHENTICATED": 401, "UNAVAILABLE": 503, "FORBIDDEN": 403, "RATE_LIMITED": 429}
	for _, code := range append(graphQLCodes(), "SOMETHING_ELSE") {
		want, isOwn := own[code]
		if !isOwn {
			want = 400
		}
		if got, has := ResponseStatus(code); got != want || has != isOwn {
			t.Errorf("%s: got %d, %t, want %d, %t", code, got, has, want, isOwn)
		}
	}
}

// TestSchemaHasTheCodes compares the table with the schema. What a foreign page or host gets comes
// as problem details also at /graphql.
func TestSchemaHasTheCodes(t *testing.T) {
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := parser.ParseSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	var enum []string
	for _, value := range schema.Definitions.ForName("ErrorCode").EnumValues {
		enum = append(enum, value.Name)
	}
	slices.Sort(enum)
	if codes := graphQLCodes(); !slices.Equal(codes, enum) {
		t.Errorf("the table has %q, the schema %q", codes, enum)
	}
}

// graphQLCodes returns the codes of GraphQL answers, sorted.
func graphQLCodes() []string {
	var codes []string
	for _, k := range kinds() {
		if k != Forbidden && k != WrongHost {
			codes = append(codes, k.Code())
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
