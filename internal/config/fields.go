package config

import "fmt"

// Fields are what a client says about a set, a deletion or a restore. Each edge maps its own
// spelling onto them, and the methods check the rules, which are the same for all edges. A field
// that is nil was not given.
type Fields struct {
	Name            string
	Value           *string
	MaxValueBytes   int    // the longest value
	ExpectedVersion *int64 // 0: the name must have no version yet
	Conditions      []Condition
	OnlyIfChanged   bool // for a set alone
	RestoreDeleted  bool // for a set alone

	// Reason and IdempotencyKey are of a request for this change alone: see [Fields.ChangeSet]. A
	// request for a set has its own, in [ChangeSetFields].
	Reason, IdempotencyKey *string
}

// Set returns the command to set a config. Without a Value, the command has the zero Value, and the
// caller is to give it one. The error is an [*InvalidError] that names the first field, in the
// order of the struct, that breaks a rule.
func (f Fields) Set() (Set, error) {
	p, err := f.parse()
	if err != nil {
		return Set{}, err
	}
	return f.set(p), nil
}

// Delete returns the command to delete a config. The error is as that of [Fields.Set].
func (f Fields) Delete() (Delete, error) {
	p, err := f.parse()
	if err != nil {
		return Delete{}, err
	}
	return f.delete(p), nil
}

// Restore returns the command to restore a config. Without a Value, it restores the last one. The
// error is as that of [Fields.Set].
func (f Fields) Restore() (Restore, error) {
	p, err := f.parse()
	if err != nil {
		return Restore{}, err
	}
	return f.restore(p), nil
}

// ChangeSet returns the set of the one command, with the reason and the key of the fields. The
// error is as that of [Fields.Set].
func (f Fields) ChangeSet(cmd Command) (ChangeSet, error) {
	set := Single(cmd)
	if invalid := set.parse(f.Reason, f.IdempotencyKey); len(invalid) > 0 {
		return ChangeSet{}, invalid[0]
	}
	return set, nil
}

// parsedFields are the fields that have rules, checked.
type parsedFields struct {
	name    Name
	value   *Value
	version *Version
}

func (f *Fields) set(p parsedFields) Set {
	cmd := Set{Name: p.name, ExpectedVersion: p.version, Conditions: f.Conditions, OnlyIfChanged: f.OnlyIfChanged,
		RestoreDeleted: f.RestoreDeleted}
	if p.value != nil {
		cmd.Value = *p.value
	}
	return cmd
}

func (f *Fields) delete(p parsedFields) Delete {
	return Delete{Name: p.name, ExpectedVersion: p.version, Conditions: f.Conditions}
}

func (f *Fields) restore(p parsedFields) Restore {
	return Restore{Name: p.name, Value: p.value, ExpectedVersion: p.version, Conditions: f.Conditions}
}

// parse is parseAll with the first error alone.
func (f *Fields) parse() (parsedFields, error) {
	p, invalid := f.parseAll()
	if len(invalid) > 0 {
		return parsedFields{}, invalid[0]
	}
	return p, nil
}

// parseAll checks all fields of a change, and returns an error for each that breaks a rule.
func (f *Fields) parseAll() (p parsedFields, invalid []*InvalidError) {
	check := func(err error) {
		if err != nil {
			invalid = append(invalid, err.(*InvalidError))
		}
	}
	var err error
	p.name, err = ParseName(f.Name)
	check(err)
	if f.Value != nil {
		p.value = new(Value)
		*p.value, err = ParseValue(*f.Value, f.MaxValueBytes)
		check(err)
	}
	if f.ExpectedVersion != nil {
		p.version, err = ParseExpectedVersion(*f.ExpectedVersion)
		check(err)
	}
	return p, invalid
}

// ChangeKind is what a change of a set does to its config.
type ChangeKind int

// The kinds of changes.
const (
	SetChange ChangeKind = iota
	DeleteChange
	RestoreChange
)

// ChangeFields are what a client says about one change of a set.
type ChangeFields struct {
	Kind ChangeKind
	Fields
	// Invalid is what the edge itself has found wrong, for example a change that is neither a set
	// nor a deletion nor a restore. The other fields do not count then.
	Invalid *InvalidError
}

// ChangeSetFields are what a client says about a change set, as [Fields] are for one change.
type ChangeSetFields struct {
	Changes                []ChangeFields
	AsSeenAt               *RevisionID
	DryRun                 bool
	Reason, IdempotencyKey *string
}

// Parse returns the change set. Whatever breaks a rule is in the Invalid of the set or of its
// change, every failure of every field, so that the rest can be decided all the same. Of more than
// [MaxChanges] changes it checks none.
func (f ChangeSetFields) Parse() ChangeSet {
	set := ChangeSet{AsSeenAt: f.AsSeenAt, DryRun: f.DryRun}
	set.Invalid = set.parse(f.Reason, f.IdempotencyKey)
	if invalid := CheckCount(len(f.Changes)); invalid != nil {
		set.Invalid = append(set.Invalid, invalid)
		return set
	}
	set.Changes = make([]Change, len(f.Changes))
	for i := range f.Changes {
		set.Changes[i] = f.Changes[i].parse()
	}
	return set
}

// parse sets the reason and the key, and returns an error for each that breaks a rule.
func (s *ChangeSet) parse(reason, key *string) (invalid []*InvalidError) {
	var err error
	if reason != nil {
		if s.Reason, err = ParseReason(*reason); err != nil {
			invalid = append(invalid, err.(*InvalidError))
		}
	}
	if key != nil {
		if s.IdempotencyKey, err = ParseIdempotencyKey(*key); err != nil {
			invalid = append(invalid, err.(*InvalidError))
		}
	}
	return invalid
}

func (f *ChangeFields) parse() Change {
	if f.Invalid != nil {
		return Change{Invalid: []*InvalidError{f.Invalid}}
	}
	p, invalid := f.parseAll()
	if f.Kind == SetChange && f.Value == nil {
		invalid = append(invalid, &InvalidError{Field: "value", Rule: "is missing"})
	}
	if len(invalid) > 0 {
		return Change{Invalid: invalid}
	}
	switch f.Kind {
	case SetChange:
		return Change{Command: f.set(p)}
	case DeleteChange:
		return Change{Command: f.delete(p)}
	case RestoreChange:
		return Change{Command: f.restore(p)}
	}
	return Change{Invalid: []*InvalidError{{Field: "changes", Rule: fmt.Sprintf("have an unknown kind %d", f.Kind)}}}
}
