package config

// Become returns the command that brings the config to a value, or out of existence when value is
// nil. It returns nil when the config is so already: what counts is value and existence, not the
// version.
//
// The present value of a config that exists must be known.
func (a Aggregate) Become(value *Value) Command {
	switch {
	case value == nil && a.Exists():
		return Delete{Name: a.Name}
	case value == nil, a.Exists() && a.Value == *value:
		return nil
	case a.Deleted:
		return Restore{Name: a.Name, Value: value}
	}
	return Set{Name: a.Name, Value: *value}
}
