package configstore

// OK reports whether all is well. A clock that is off does not count as long as events can be
// written: they are in order all the same.
func (h Health) OK() bool { return h.EventStore == nil && h.Projection == nil && h.Writing == nil }
