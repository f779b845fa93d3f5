package config

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
	Reason          *string
	IdempotencyKey  *string
}

// Set returns the command to set a config. Without a Value, the command has the zero Value, and the
// caller is to give it one. The error is an [*InvalidError] that names the first field, in the order
// of the struct, that breaks a rule.
func (f Fields) Set() (Set, error) {
	p, err := f.parse()
	if err != nil {
		return Set{}, err
	}
	cmd := Set{Name: p.name, ExpectedVersion: p.version, Conditions: f.Conditions, OnlyIfChanged: f.OnlyIfChanged,
		RestoreDeleted: f.RestoreDeleted, Reason: p.reason, IdempotencyKey: p.key}
	if p.value != nil {
		cmd.Value = *p.value
	}
	return cmd, nil
}

// Delete returns the command to delete a config. The error is as that of [Fields.Set].
func (f Fields) Delete() (Delete, error) {
	p, err := f.parse()
	if err != nil {
		return Delete{}, err
	}
	return Delete{Name: p.name, ExpectedVersion: p.version, Conditions: f.Conditions, Reason: p.reason, IdempotencyKey: p.key}, nil
}

// Restore returns the command to restore a config. Without a Value, it restores the last one. The
// error is as that of [Fields.Set].
func (f Fields) Restore() (Restore, error) {
	p, err := f.parse()
	if err != nil {
		return Restore{}, err
	}
	return Restore{Name: p.name, Value: p.value, ExpectedVersion: p.version, Conditions: f.Conditions, Reason: p.reason, IdempotencyKey: p.key}, nil
}

// parsedFields are the fields that have rules, checked.
type parsedFields struct {
	name    Name
	value   *Value
	version *Version
	reason  Reason
	key     IdempotencyKey
}

func (f Fields) parse() (p parsedFields, err error) {
	if p.name, err = ParseName(f.Name); err != nil {
		return p, err
	}
	if f.Value != nil {
		value, err := ParseValue(*f.Value, f.MaxValueBytes)
		if err != nil {
			return p, err
		}
		p.value = &value
	}
	if f.ExpectedVersion != nil {
		if p.version, err = ParseExpectedVersion(*f.ExpectedVersion); err != nil {
			return p, err
		}
	}
	if f.Reason != nil {
		if p.reason, err = ParseReason(*f.Reason); err != nil {
			return p, err
		}
	}
	if f.IdempotencyKey != nil {
		p.key, err = ParseIdempotencyKey(*f.IdempotencyKey)
	}
	return p, err
}
