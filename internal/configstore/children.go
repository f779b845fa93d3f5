package configstore

import (
	"configapi/internal/config"
	"configapi/internal/projection"
)

// ChildPage is a page of what lies directly below a prefix.
type ChildPage struct {
	Children []projection.Child // by segment, in byte order
	// More reports whether more children follow: continue after the segment of the last one.
	More bool
}

// Children returns what lies directly below a prefix, after a segment ("" for the first), at most
// first children and [PageBytes] of their names and values. The prefix stands for whole leading
// segments, as in [config.ParseFilter]; "" is the top. Pages are of the reader's position, and do
// not stay on it: no child comes twice in pages of several readers. The error is a
// [*config.InvalidError].
func (r *Reader) Children(prefix, after string, first int) (ChildPage, error) {
	if err := checkPageSize(first); err != nil {
		return ChildPage{}, err
	}
	filter, err := config.ParseFilter(prefix, nil)
	if err != nil {
		return ChildPage{}, err
	}
	var page ChildPage
	bytes := 0
	r.view.Children(filter.Prefix(), r.scope, after, func(c projection.Child) bool {
		bytes += len(c.Name.String())
		if c.Config != nil {
			bytes += len(c.Config.Value.String())
		}
		if len(page.Children) == first || bytes > PageBytes && len(page.Children) > 0 {
			page.More = true
			return false
		}
		page.Children = append(page.Children, c)
		return true
	})
	return page, nil
}
