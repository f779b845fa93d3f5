package clientcmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"configapi/client/rest"
	"configapi/internal/config"
)

// writeFlags are the flags of every command that writes.
type writeFlags struct {
	reason  string
	confirm string
	dryRun  bool
	// secret hides values in what is shown of the write.
	secret bool
}

func (f *writeFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVarP(&f.reason, "message", "m", "", "`WHY` the change is made; the history keeps it")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what the change would come to, and change nothing")
	flags.StringVar(&f.confirm, "confirm", "", "`NAME` of the context, to write without being asked for it where the context has confirm: true")
}

// send sends a write that is to be made, or to be tried: see [rest.Client.Apply]. asSeenAt is
// the position at which its effect was shown, "" for none.
type send func(ctx context.Context, dryRun bool, asSeenAt, key string) (rest.Result, error)

// apply makes a change set, whose reason and dry run the flags decide, and shows what it did.
func (s *session) apply(ctx context.Context, f writeFlags, set rest.ChangeSet) error {
	set.Reason = f.reason
	result, err := s.write(ctx, f, func(ctx context.Context, dryRun bool, asSeenAt, key string) (rest.Result, error) {
		tried := set
		tried.DryRun, tried.AsSeenAt = dryRun, firstOf(set.AsSeenAt, asSeenAt)
		return s.client.Apply(ctx, tried, key)
	})
	if err != nil {
		return err
	}
	return s.showResult(f, result)
}

// write is the one way in which commands write. Where the context wants it, the user confirms what
// a dry run shows; what is written then is what was shown, or nothing.
func (s *session) write(ctx context.Context, f writeFlags, send send) (rest.Result, error) {
	if _, err := config.ParseReason(f.reason); err != nil { // JSON would bend what is not UTF-8
		return rest.Result{}, fmt.Errorf("nothing was written: %w", err)
	}
	if f.dryRun {
		return send(ctx, true, "", "")
	}
	asSeenAt := ""
	if s.target.Confirm {
		var err error
		if asSeenAt, err = s.confirm(ctx, f, send); err != nil {
			return rest.Result{}, err
		}
	}
	return send(ctx, false, asSeenAt, rest.NewKey())
}

// confirm returns the position of what the user has confirmed, "" when that came by a flag.
func (s *session) confirm(ctx context.Context, f writeFlags, send send) (asSeenAt string, err error) {
	err = Confirm(ctx, s.env, s.target.Context, f.confirm, func() (string, error) {
		tried, err := send(ctx, true, "", "")
		asSeenAt = tried.Position
		return s.describe(f, tried), err
	})
	return asSeenAt, err
}

// showResult prints what a write came to.
func (s *session) showResult(f writeFlags, result rest.Result) error {
	v := view{object: result, table: func(out io.Writer) error {
		_, err := io.WriteString(out, s.describe(f, result))
		return err
	}}
	for _, r := range result.Revisions {
		v.names = append(v.names, r.Name)
	}
	return s.show(v)
}

const (
	// maxDescribed is how many changes of a set are shown one by one.
	maxDescribed = 20
	// valueColumns is how much of a value a line about a change shows.
	valueColumns = 32
)

// describe returns what a write came to, for people: a line about each change, and the position.
func (s *session) describe(f writeFlags, result rest.Result) string {
	var text strings.Builder
	where := ", position " + result.Position
	if result.DryRun {
		where = "; nothing was written: this is a dry run at position " + result.Position
	}
	all, unchanged := len(result.Revisions), len(result.Unchanged)
	for _, r := range result.Revisions[:min(all, maxDescribed)] {
		text.WriteString(s.describeRevision(f, r))
		if all > 1 || unchanged > 0 {
			text.WriteByte('\n')
		}
	}
	if all > maxDescribed {
		fmt.Fprintf(&text, "… and %d more\n", all-maxDescribed)
	}
	switch {
	case all == 0:
		fmt.Fprintf(&text, "%s; nothing was written, position %s", s.describeUnchanged(result.Unchanged), result.Position)
	case unchanged > 0:
		fmt.Fprintf(&text, "%s, %d unchanged%s", count(all, "change"), unchanged, where)
	case all > 1:
		text.WriteString(count(all, "change") + where)
	default:
		text.WriteString(where)
	}
	return harmless(text.String())
}

func (s *session) describeUnchanged(names []string) string {
	switch len(names) {
	case 0:
		return "there is nothing to change"
	case 1:
		return s.shortName(names[0]) + " has that value already"
	}
	return count(len(names), "config") + " have these values already"
}

// describeRevision returns a line about a change, such as "payments/timeout 3 → 5, version 4".
func (s *session) describeRevision(f writeFlags, r rest.Revision) string {
	name, version := s.shortName(r.Name), fmt.Sprintf(", version %d", r.Version)
	switch {
	case r.Operation == "DELETED":
		return name + " deleted" + version
	case f.secret:
		return name + " " + strings.ToLower(r.Operation) + version
	case r.Operation == "CREATED":
		return name + " created: " + quoted(r.Value) + version
	case r.Operation == "RESTORED":
		return name + " restored: " + quoted(r.Value) + version
	}
	return name + " " + quoted(r.OldValue) + " → " + quoted(r.Value) + version
}

// quoted returns a value as a line about a change shows it.
func quoted(value *string) string {
	switch {
	case value == nil:
		return "(erased)"
	case *value == "":
		return `""`
	}
	return cut(printable(*value), valueColumns)
}
