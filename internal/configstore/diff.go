package configstore

import (
	"context"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// MaxDifferenceChanges is how many changes a [Difference] shows at most.
const MaxDifferenceChanges = 20

// DiffQuery says what to compare.
type DiffQuery struct {
	From, To *Snapshot // To may be the earlier one
	Filter   config.Filter
	// ToPrefix compares the names below the filter's prefix at From with the same names below
	// ToPrefix at To. The filter then has a prefix and no names. "": the same names are compared.
	ToPrefix string
}

// Difference is what differs for one name, in value or existence.
type Difference struct {
	// Name is the name; with ToPrefix the one below the filter's prefix, also when only ToPrefix
	// has it.
	Name          config.Name
	Before, After *projection.Config // nil: it did not exist
	// Changes are the newest [MaxDifferenceChanges] changes between the two moments, oldest first:
	// none with ToPrefix, and none when From is later than To. MoreChanges reports whether there
	// were more.
	Changes     []*eventstore.Revision
	MoreChanges bool
}

// DiffPage is a page of what differs, by name.
type DiffPage struct {
	Differences []Difference
	// More reports whether more differences may follow: continue after the name End.
	More bool
	End  string
}

// Diff returns what differs, by name after the name after ("" for the first), at most first
// differences and [PageBytes]. withChanges asks for the changes between.
func (r *Reader) Diff(ctx context.Context, q DiffQuery, after string, first int, withChanges bool) (DiffPage, error) {
	return DiffPage{}, errNotBuilt
}

// CountDiff returns how many names differ.
func (r *Reader) CountDiff(ctx context.Context, q DiffQuery) (int, error) {
	return 0, errNotBuilt
}
