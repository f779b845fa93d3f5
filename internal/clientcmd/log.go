package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"configapi/client/rest"
)

// changeSet is changes that were made together, as `log` and `watch` print them.
type changeSet struct {
	Position    string          `json:"position"`
	CommittedAt time.Time       `json:"committedAt"`
	Actor       *string         `json:"actor"`
	Reason      *string         `json:"reason"`
	Reverts     *string         `json:"reverts"` // the position of the set that it undoes
	Changes     []rest.Revision `json:"changes"` // those that were asked for and may be seen, oldest first
}

// setOf returns the change set of revisions, of which there is at least one.
func setOf(changes []rest.Revision) changeSet {
	last := changes[len(changes)-1]
	return changeSet{last.ChangeSet, last.CommittedAt, last.Actor, last.Reason, last.Reverts, changes}
}

func newLog(env Env) *cobra.Command {
	var selected rest.Selection
	var since, until string
	var exact bool
	limit := 20
	cmd := &cobra.Command{
		Use:     "log [NAME | PREFIX]",
		Short:   "show who changed what",
		GroupID: GroupRead,
		Args:    words(0, 1),
		Long: `Shows the newest change sets of the config NAME and of those below it, or of
all configs, newest first: each with its position, who made it, when and why,
and its changes. Of a set, only the changes that are selected are shown.
revert undoes a set, and diff compares the positions.`,
		Example: `  configapi log payments/timeout
  configapi log payments --by ann --since 7d --until 2026-11-25`,
	}
	flags := cmd.Flags()
	flags.StringVar(&selected.Actor, "by", "", "show what `WHO` changed: the name of a token")
	flags.StringVar(&since, "since", "", "show what was changed at `TIME` or later: a time, or an age such as 7d")
	flags.StringVar(&until, "until", "", "show what was changed before `TIME`")
	flags.BoolVar(&exact, "exact", false, "show the changes of the config NAME alone, not of those below it")
	flags.IntVar(&limit, "limit", limit, "show at most `N` change sets")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) (err error) {
		switch {
		case limit < 1:
			return UsageErrorf("--limit must be at least 1")
		case exact && len(args) == 0:
			return UsageErrorf("--exact needs NAME")
		case exact:
			selected.Name, err = s.fullName(args[0])
		default:
			selected.Prefix = s.fullPrefix(firstOf(args...))
		}
		if err != nil {
			return err
		}
		if selected.Since, err = s.timeOf(since); err != nil {
			return err
		}
		if selected.Until, err = s.timeOf(until); err != nil {
			return err
		}
		return s.log(ctx, selected, limit)
	})
}

// timeOf returns the time that a flag gives, the zero time for "".
func (s *session) timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return parseTime(text, s.env.Time())
}

// errEnough ends a list of which the rest is not needed.
var errEnough = errors.New("enough")

func (s *session) log(ctx context.Context, selected rest.Selection, limit int) error {
	out := s.newListing(nil)
	var changes []rest.Revision // of the set that is being read, newest first
	end := func() error {
		if len(changes) == 0 {
			return nil
		}
		set := setOf(reversed(changes))
		changes = nil
		return out.add(set, set.Position, func() { s.writeSet(out, set) })
	}
	selected.First = min(max(limit, 50), 500)
	err := s.client.Recent(ctx, selected, func(r rest.Revision) error {
		if len(changes) > 0 && changes[0].ChangeSet != r.ChangeSet {
			switch err := end(); {
			case err != nil:
				return err
			case out.count == limit:
				return errEnough
			}
		}
		changes = append(changes, r)
		return nil
	})
	if err == nil || errors.Is(err, errEnough) {
		err = end()
	}
	if err == nil && out.count == 0 {
		s.note("there are no such changes that you may see")
	}
	return out.end(err)
}

func reversed(changes []rest.Revision) []rest.Revision {
	all := make([]rest.Revision, len(changes))
	for i, r := range changes {
		all[len(all)-1-i] = r
	}
	return all
}

// writeSet writes the lines of a set, with an empty one before all but the first.
func (s *session) writeSet(to *listing, set changeSet) {
	out := to.out
	if to.count > 0 {
		fmt.Fprintln(out)
	}
	head := set.Position + "  " + instant(set.CommittedAt) + "  " + printable(orDash(set.Actor))
	if set.Reverts != nil {
		head += "  (undoes " + *set.Reverts + ")"
	}
	fmt.Fprintln(out, s.fitting(head))
	if set.Reason != nil {
		fmt.Fprintln(out, s.fitting("    "+printable(*set.Reason)))
	}
	for _, r := range set.Changes[:min(len(set.Changes), maxDescribed)] {
		fmt.Fprintln(out, s.fitting("  "+s.describeChange(r)))
	}
	if more := len(set.Changes) - maxDescribed; more > 0 {
		fmt.Fprintf(out, "  … and %s more; -o json shows them\n", count(more, "change"))
	}
}

// describeChange returns a printable line about a change, with both of its values.
func (s *session) describeChange(r rest.Revision) string {
	name := printable(s.shortName(r.Name))
	switch r.Operation {
	case "DELETED":
		return name + " deleted, was " + shown(r.OldValue)
	case "CREATED", "RESTORED":
		return name + " " + strings.ToLower(r.Operation) + ": " + shown(r.Value)
	}
	return name + " " + shown(r.OldValue) + " → " + shown(r.Value)
}

// shown returns a value in one printable line. A value that is missing in a change was erased.
func shown(value *string) string {
	switch {
	case value == nil:
		return "(erased)"
	case *value == "":
		return `""`
	}
	return printable(*value)
}

// fitting returns a line that is cut where the terminal ends. Elsewhere nothing is cut.
func (s *session) fitting(line string) string {
	if width, isTerminal := s.env.Width(s.env.Stdout); isTerminal {
		return cut(line, width)
	}
	return line
}
