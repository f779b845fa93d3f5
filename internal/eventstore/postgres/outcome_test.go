package postgres

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
)

func TestOutcomeOfAFailedAppend(t *testing.T) {
	t.Parallel()
	const detail = "Key (config_name)=(secret) already exists."
	reply := func(severity, code, constraint string) error {
		return &pgconn.PgError{
			SeverityUnlocalized: severity, Code: code, ConstraintName: constraint, Message: "why", Detail: detail, Hint: detail, Where: detail,
		}
	}
	unknown := errors.New("unknown")
	for _, row := range []struct {
		what string
		err  error
		want error
	}{
		{"the connection broke", io.ErrUnexpectedEOF, unknown},
		{"nothing was sent", pgconnSafe{}, eventstore.ErrNotWritten},
		{"serialization failure", reply("ERROR", "40001", ""), eventstore.ErrHeadMoved},
		{"deadlock", reply("ERROR", "40P01", ""), eventstore.ErrNotWritten},
		{"the seq is taken", reply("ERROR", "23505", "events_pkey"), eventstore.ErrHeadMoved},
		{"the version is taken", reply("ERROR", "23505", "events_config_name_version_key"), eventstore.ErrNotWritten},
		{"null where none may be", reply("ERROR", "23502", ""), eventstore.ErrNotWritten},
		{"bad text", reply("ERROR", "22021", ""), eventstore.ErrNotWritten},
		{"read-only", reply("ERROR", "25006", ""), eventstore.ErrNotWritten},
		{"no permission", reply("ERROR", "42501", ""), eventstore.ErrNotWritten},
		{"disk full", reply("ERROR", "53100", ""), eventstore.ErrNotWritten},
		{"too large", reply("ERROR", "54000", ""), eventstore.ErrNotWritten},
		{"lock time-out", reply("ERROR", "55P03", ""), eventstore.ErrNotWritten},
		{"statement time-out", reply("ERROR", "57014", ""), eventstore.ErrNotWritten},
		{"terminated", reply("FATAL", "57P01", ""), unknown},
		{"crash of another session", reply("WARNING", "57P02", ""), unknown},
		{"statement completion unknown", reply("ERROR", "40003", ""), unknown},
		{"a pooler lost the server", reply("ERROR", "08P01", ""), unknown},
		{"a pooler lost the server, in other words", reply("FATAL", "58000", ""), unknown},
		{"a fault of the server", reply("ERROR", "XX000", ""), unknown},
		{"no code at all", reply("ERROR", "", ""), unknown},
		{"no severity at all", reply("", "42501", ""), unknown},
	} {
		got := appendError(row.err)
		for _, sentinel := range []error{eventstore.ErrHeadMoved, eventstore.ErrNotWritten} {
			if errors.Is(got, sentinel) != (row.want == sentinel) {
				t.Errorf("%s: got %v, want %v", row.what, got, row.want)
			}
		}
		if strings.Contains(got.Error(), "secret") {
			t.Errorf("%s: got %v, which quotes what was to be written", row.what, got)
		}
	}
}

// pgconnSafe is an error as pgconn returns when nothing was sent.
type pgconnSafe struct{}

func (pgconnSafe) Error() string     { return "conn closed" }
func (pgconnSafe) SafeToRetry() bool { return true }
