package configstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// twinOps are the things that the caller does. Each returns its answer as a text.
var twinOps = []struct {
	name string
	do   func(*twin, *rand.Rand) string
}{
	{"config", (*twin).doConfig},
	{"keep a reader", (*twin).doKeep},
	{"snapshot", (*twin).doSnapshot},
	{"history", (*twin).doHistory},
	{"revision", (*twin).doRevision},
	{"changes", (*twin).doChanges},
	{"recent changes", (*twin).doRecent},
	{"by change", (*twin).doByChange},
	{"deleted", (*twin).doDeleted},
	{"children", (*twin).doChildren},
	{"diff", (*twin).doDiff},
	{"diff", (*twin).doDiff},
	{"fresh reader", (*twin).doFresh},
	{"tokens", (*twin).doTokens},
	{"open a stream", (*twin).doStream},
	{"read a stream", (*twin).doPoll},
	{"resume a stream", (*twin).doResume},
	{"watch a config", (*twin).doWatchConfig},
	{"read a config's stream", (*twin).doPollConfig},
	{"resume a config's stream", (*twin).doResumeConfig},
	{"single change", (*twin).doSingle},
	{"change set", (*twin).doSet},
	{"change set", (*twin).doSet},
	{"revert", (*twin).doRevert},
	{"undo", (*twin).doUndo},
}

// drawReader returns a reader of the present, or one that was kept.
func (s *twin) drawReader(dice *rand.Rand) *configstore.Reader {
	if n := dice.IntN(6); n < len(s.kept) {
		return s.kept[n]
	}
	r, err := s.Store.Store.Reader(s.Caller)
	s.Must(err)
	return r
}

func (s *twin) drawName(dice *rand.Rand) config.Name {
	return configstoretest.Name(s.T, append(configstoretest.TwinNames, "a/x", "d")[dice.IntN(len(configstoretest.TwinNames)+2)])
}

func (s *twin) drawFilter(dice *rand.Rand) config.Filter {
	prefix, listed := "", []string(nil)
	if dice.IntN(2) == 0 {
		prefix = append([]string{"a/", "c", "c/x", "d"}, configstoretest.TwinNames...)[dice.IntN(4+len(configstoretest.TwinNames))]
	}
	if dice.IntN(4) == 0 {
		listed = []string{s.drawName(dice).String(), s.drawName(dice).String(), s.drawName(dice).String()}
	}
	filter, err := config.ParseFilter(prefix, listed)
	s.Must(err)
	if dice.IntN(4) == 0 {
		filter, err = filter.Containing([]string{"B", "/", "c", "-", "x"}[dice.IntN(5)])
		s.Must(err)
	}
	return filter
}

// drawInstant draws an instant between two operations.
func (s *twin) drawInstant(dice *rand.Rand) time.Time {
	return configstoretest.Epoch.Add(time.Duration(dice.IntN(int(s.Step)+1))*time.Second + time.Second/2)
}

func (s *twin) drawSnapshot(r *configstore.Reader, dice *rand.Rand) *configstore.Snapshot {
	var err error
	snapshot := r.Now()
	switch dice.IntN(3) {
	case 0:
		snapshot, err = r.AsOf(context.Background(), s.DrawPosition(dice))
	case 1:
		snapshot, err = r.AsOfTime(context.Background(), s.drawInstant(dice))
	}
	s.Must(err)
	return snapshot
}

func (s *twin) doConfig(dice *rand.Rand) string {
	r, name := s.drawReader(dice), s.drawName(dice)
	c, state := r.Config(name), r.State(name)
	return fmt.Sprintf("%s, %s at %d", s.state(c, s.Store.OldValue(c)), s.state(state, s.Store.OldValue(state)), s.Rank(r.Head().Position()))
}

func (s *twin) doKeep(dice *rand.Rand) string {
	r, n := s.drawReader(dice), dice.IntN(2)
	if len(s.kept) < 2 {
		s.kept = append(s.kept, r)
	} else {
		s.kept[n] = r
	}
	return fmt.Sprint(s.Rank(r.Head().Position()))
}

// mustNotLeak fails if a page ends at a name that the caller may not read.
func (s *twin) mustNotLeak(what, end string) {
	if end == "" {
		return
	}
	if name := configstoretest.Name(s.T, end); !s.Caller.May(auth.Read, name) {
		s.T.Fatalf("seed %d, operation %d: a page of %s ends at %s", s.Seed, s.Step, what, name)
	}
}

func (s *twin) doSnapshot(dice *rand.Rand) string {
	var b strings.Builder
	ctx, filter := context.Background(), s.drawFilter(dice)
	snapshot := s.drawSnapshot(s.drawReader(dice), dice)
	for first, after, more := 1+dice.IntN(4), "", true; more; {
		page, err := snapshot.Configs(ctx, filter, after, first)
		s.Must(err)
		s.mustNotLeak("configs", page.End)
		b.WriteString(s.states(page.Configs, snapshot.OldValues(page.Configs)))
		after, more = page.End, page.More
	}
	s.Must(snapshot.EachPage(ctx, filter, func(page []*projection.Config) error {
		b.WriteString(s.states(page, snapshot.OldValues(page)))
		return nil
	}))
	count, err := snapshot.Count(ctx, filter)
	s.Must(err)
	one, err := snapshot.Config(ctx, s.drawName(dice))
	s.Must(err)
	return fmt.Sprintf("%s%d at %d, %s", b.String(), count, s.Rank(snapshot.At().Position()), s.state(one, s.Store.OldValue(one)))
}

func (s *twin) doHistory(dice *rand.Rand) string {
	ctx, r, name := context.Background(), s.drawReader(dice), s.drawName(dice)
	newest, first := config.Version(dice.IntN(4)), 1+dice.IntN(3)
	page, more, err := r.History(ctx, name, newest, first)
	s.Must(err)
	var all string
	s.Must(r.EachPage(ctx, name, func(page []*eventstore.Revision) error {
		all += s.revisions(page)
		return nil
	}))
	return fmt.Sprintf("%s%t\n%s", s.revisions(page), more, all)
}

// doRevision reads the revision at a position, or at one of which the caller must not learn that
// there is one.
func (s *twin) doRevision(dice *rand.Rand) string {
	at := s.Own[dice.IntN(len(s.Own))]
	if nth := dice.Int(); dice.IntN(2) == 0 {
		at.Prefix[0]++ // is not known
		if len(s.Secrets) > 0 {
			at = s.Secrets[nth%len(s.Secrets)]
		}
	}
	revision, err := s.drawReader(dice).Revision(context.Background(), at)
	s.Must(err)
	return s.revision(revision)
}

func (s *twin) doChanges(dice *rand.Rand) string {
	r, after, filter, first := s.drawReader(dice), s.DrawPosition(dice), s.drawFilter(dice), 1+dice.IntN(4)
	if after.Seq > r.Head().Seq { // it would read on to the present
		after = r.Head().Position()
	}
	var b strings.Builder
	for caughtUp := false; !caughtUp; {
		page, err := r.Changes(context.Background(), after, filter, first)
		s.Must(err)
		b.WriteString(s.revisions(page.Revisions))
		after, caughtUp = page.Position, page.CaughtUp
	}
	return fmt.Sprintf("%sto %d", b.String(), s.Rank(after))
}

func (s *twin) doRecent(dice *rand.Rand) string {
	filter := configstore.ChangeFilter{Configs: s.drawFilter(dice)}
	if dice.IntN(3) == 0 {
		filter.Actor = &[]string{"ann", "caller", "hidden actor"}[dice.IntN(3)]
	}
	if dice.IntN(3) == 0 {
		filter.Operations = []config.Operation{config.Created, config.Updated, config.Deleted, config.Restored}[dice.IntN(4):]
	}
	if dice.IntN(3) == 0 {
		filter.Since = new(s.drawInstant(dice))
	}
	if dice.IntN(3) == 0 {
		filter.Until = new(s.drawInstant(dice))
	}
	r, first := s.drawReader(dice), 1+dice.IntN(4)
	var b strings.Builder
	for before, more := eventstore.Seq(0), true; more; {
		page, err := r.RecentChanges(context.Background(), filter, before, first)
		s.Must(err)
		b.WriteString(s.revisions(page.Revisions))
		before, more = page.End, page.More
	}
	return b.String()
}

func (s *twin) doByChange(dice *rand.Rand) string {
	r := s.drawReader(dice)
	return s.byChange(r, dice, r.ConfigsByChange)
}

func (s *twin) doDeleted(dice *rand.Rand) string {
	r := s.drawReader(dice)
	count, err := r.CountDeleted(context.Background(), s.drawFilter(dice))
	s.Must(err)
	return fmt.Sprintf("%d\n%s", count, s.byChange(r, dice, r.Deleted))
}

func (s *twin) byChange(r *configstore.Reader, dice *rand.Rand,
	read func(context.Context, config.Filter, eventstore.Seq, int) (configstore.ChangedPage, error)) string {
	var b strings.Builder
	filter, first := s.drawFilter(dice), 1+dice.IntN(4)
	for before, more := eventstore.Seq(0), true; more; {
		page, err := read(context.Background(), filter, before, first)
		s.Must(err)
		b.WriteString(s.states(page.Configs, r.Now().OldValues(page.Configs)))
		before, more = page.End, page.More
	}
	return b.String()
}

func (s *twin) doChildren(dice *rand.Rand) string {
	prefix := append([]string{"", "", "c", "c/x", "a.b"}, configstoretest.TwinNames...)[dice.IntN(5+len(configstoretest.TwinNames))]
	r, first := s.drawReader(dice), 1+dice.IntN(4)
	var b strings.Builder
	for after, more := "", true; more; {
		page, err := r.Children(prefix, after, first)
		s.Must(err)
		for _, c := range page.Children {
			fmt.Fprintf(&b, "%s %s %d: %s\n", c.Segment, c.Name, c.Below, s.state(c.Config, s.Store.OldValue(c.Config)))
			after = c.Segment
		}
		more = page.More
	}
	return b.String()
}

func (s *twin) doDiff(dice *rand.Rand) string {
	ctx, r := context.Background(), s.drawReader(dice)
	q := configstore.DiffQuery{From: s.drawSnapshot(r, dice), To: s.drawSnapshot(r, dice), Filter: s.drawFilter(dice)}
	if dice.IntN(3) == 0 {
		q.ToPrefix = []string{"a", "b", "c", "a/b", "b/a"}[dice.IntN(5)]
	}
	withChanges, first := dice.IntN(2) == 0, 1+dice.IntN(4)
	count, err := r.CountDiff(ctx, q)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for after, more := "", true; more; {
		page, err := r.Diff(ctx, q, after, first, withChanges)
		s.Must(err)
		if q.ToPrefix == "" {
			s.mustNotLeak("differences", page.End)
		}
		b.WriteString(s.differences(page.Differences))
		after, more = page.End, page.More
	}
	return fmt.Sprintf("%s%d", b.String(), count)
}

func (s *twin) doFresh(dice *rand.Rand) string {
	at := s.DrawPosition(dice)
	if dice.IntN(4) == 0 {
		at.Prefix[0]++ // is not known
	}
	fresh := configstore.Freshness{Linearizable: dice.IntN(2) == 0, AtLeast: &at}
	r, err := s.Store.FreshReader(context.Background(), s.Caller, fresh)
	if err != nil {
		return err.Error()
	}
	var c *projection.Config
	if err := r.Includes(context.Background(), at); err == nil {
		c = r.State(s.drawName(dice))
	}
	return fmt.Sprintf("%v, %s at %d", err, s.state(c, s.Store.OldValue(c)), s.Rank(r.Head().Position()))
}

// doTokens looks for the tokens that there are in the busy store alone. They may do everything, so
// the caller may see them only if it may do that, too.
func (s *twin) doTokens(dice *rand.Rand) string {
	if s.Caller.Grants.Include(auth.Everything) {
		return ""
	}
	page, err := s.Store.Tokens(s.Caller, "", 10)
	one, errOfOne := s.Store.Token(s.Caller, configstoretest.TokenName(s.T, fmt.Sprint("token-", dice.IntN(3))))
	return fmt.Sprintf("%+v, %v, %v, %v", page, err, one, errOfOne)
}
