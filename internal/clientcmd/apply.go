package clientcmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
)

// applyFlags say what `configapi apply` does with files.
type applyFlags struct {
	files                              []string
	nested, restoreDeleted, prune, yes bool
}

func newApply(env Env) *cobra.Command {
	var write writeFlags
	var f applyFlags
	cmd := &cobra.Command{
		Use:     "apply -f FILE|DIR",
		Short:   "make configs as files are",
		GroupID: GroupMove,
		Args:    words(0, 0),
		Long: `Makes configs what files of JSON or YAML say, all together. A file is an object
of names with their values, as ` + "`configapi export`" + ` writes it, or it declares a
prefix:

  prefix: payments
  values:
    timeout: "5"

With --prune, configs below the declared prefixes that no file has are deleted;
they are listed first, and when they are more than a fifth, nothing is written
without --yes. Of a folder, all files that end with .json, .yaml or .yml are
taken, also in folders below, but nothing hidden.`,
		Example: `  configapi apply -f settings.yaml -m "settings of release 7"
  configapi apply -f configs --prune --dry-run`,
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "`FILE` or folder that says what configs are to be, - for standard input; may be given several times")
	flags.BoolVar(&f.prune, "prune", false, "delete what is below the declared prefixes and in no file")
	flags.BoolVar(&f.yes, "yes", false, "delete also more than a fifth of what is there")
	flags.BoolVar(&f.nested, "nested", false, "join the keys of objects with /")
	flags.BoolVar(&f.restoreDeleted, "restore-deleted", false, "bring a deleted config back with the value of the file, instead of failing")
	write.addTo(flags)
	return withSession(env, cmd, func(ctx context.Context, s *session, _ []string) error {
		return s.applyFiles(ctx, write, f)
	})
}

func (s *session) applyFiles(ctx context.Context, write writeFlags, f applyFlags) error {
	if len(f.files) == 0 {
		return UsageErrorf("give files or a folder with -f")
	}
	want := desired{session: s, nested: f.nested, values: map[string]desiredValue{}}
	if err := want.read(f.files); err != nil {
		return err
	}
	if f.prune && len(want.prefixes) == 0 {
		return UsageErrorf("--prune deletes below the prefixes that files declare, and no file declares one: write its members prefix and values, as `configapi export PREFIX --format yaml --declare` does")
	}
	b := &bulk{restoreDeleted: f.restoreDeleted}
	if f.prune {
		if err := s.prune(ctx, &want, b, f.yes || write.dryRun); err != nil {
			return err
		}
	}
	for _, name := range want.names {
		b.changes = append(b.changes, rest.Change{Set: &rest.Set{Name: name, Value: want.values[name].value, OnlyIfChanged: true}})
	}
	write.secret = true
	return s.applyAll(ctx, write, b)
}

// prune adds to a bulk the deletions of what is below the declared prefixes and not wanted, and
// lists it. The deletions are of the position that was read: what somebody has changed since is
// not deleted, and the set is rejected.
func (s *session) prune(ctx context.Context, want *desired, b *bulk, many bool) error {
	present := 0
	var unwanted []string
	for _, prefix := range want.outermost() {
		at, err := s.client.Configs(ctx, rest.List{Prefix: prefix}, func(c rest.Config) error {
			if c.Name == prefix {
				return nil // not below it
			}
			present++
			if _, is := want.values[c.Name]; !is {
				unwanted = append(unwanted, c.Name)
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.asSeenAt = firstOf(b.asSeenAt, at)
	}
	if len(unwanted) == 0 {
		return nil
	}
	slices.Sort(unwanted)
	s.note("%s below %s in no file, of %d that are there:", are(len(unwanted), "config"), s.shortNames(want.outermost()), present)
	for _, name := range unwanted {
		s.note("  delete %s", s.shortName(name))
		b.changes = append(b.changes, rest.Change{Delete: &rest.Delete{Name: name}})
	}
	if len(unwanted)*5 > present && !many {
		return UsageErrorf("that is more than a fifth of them; nothing was written. If they are to be deleted, give --yes")
	}
	return nil
}

// shortNames returns prefixes as the command line has them.
func (s *session) shortNames(prefixes []string) string {
	short := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		short[i] = s.shortName(prefix)
	}
	return strings.Join(short, ", ")
}

// outermost returns the declared prefixes that are below no other, in order.
func (d *desired) outermost() []string {
	var outermost []string
	for _, prefix := range slices.Sorted(slices.Values(d.prefixes)) {
		within := func(other string) bool { return prefix == other || strings.HasPrefix(prefix, other+"/") }
		if !slices.ContainsFunc(outermost, within) {
			outermost = append(outermost, prefix)
		}
	}
	return outermost
}

// desired is what files say that configs are to be.
type desired struct {
	*session
	nested   bool
	names    []string                // in the order of the files
	values   map[string]desiredValue // :: whole name → what it is to be
	prefixes []string                // whole prefixes that the files declare
	bytes    int64                   // of all files
	ignored  int                     // files of folders that are of other formats
}

type desiredValue struct{ value, file string }

// alreadyIn says that two files have a name.
func alreadyIn(name, other string) string {
	return fmt.Sprintf("%s is in %s as well; a name may be in one file alone", name, other)
}
