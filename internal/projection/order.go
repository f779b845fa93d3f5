package projection

import (
	"slices"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// ByChange calls yield for the state of each existing config, the newest change first and only for
// changes before a seq (0 means all), until yield returns false.
func (v *View) ByChange(before eventstore.Seq, yield func(*Config) bool) {
	v.byChange(true, before, yield)
}

// DeletedByChange is [View.ByChange] for the states of deleted configs.
func (v *View) DeletedByChange(before eventstore.Seq, yield func(*Config) bool) {
	v.byChange(false, before, yield)
}

func (v *View) byChange(existing bool, before eventstore.Seq, yield func(*Config) bool) {
	var found []*Config
	v.Ascend(config.Filter{}, "", func(c *Config) bool {
		if c.Exists() == existing && (before == 0 || c.Seq < before) {
			found = append(found, c)
		}
		return true
	})
	slices.SortFunc(found, func(a, b *Config) int { return int(b.Seq - a.Seq) })
	for _, c := range found {
		if !yield(c) {
			return
		}
	}
}

// CountDeleted returns how many deleted configs the filter selects.
func (v *View) CountDeleted(filter config.Filter) int {
	n := 0
	v.Ascend(filter, "", func(c *Config) bool {
		n += 1 - count(c)
		return true
	})
	return n
}
