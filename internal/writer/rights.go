package writer

import (
	"errors"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// Forbidden returns a failure for each change of a set that grants do not allow, whatever the state
// of the configs is. Every change needs WRITE. One that reads to answer needs READ, too: a restore
// of the last value, a set that is only made if it changes the value, and all changes that were
// computed from a plan.
func Forbidden(grants *auth.Grants, set *config.ChangeSet) (failures []fault.Failure) {
	read, write := grants.Scope(auth.Read), grants.Scope(auth.Write)
	if read.All() && write.All() {
		return nil
	}
	planned := set.Plan != nil
	for i := range set.Changes {
		cmd := set.Changes[i].Command
		if cmd == nil { // it is invalid
			continue
		}
		switch name := cmd.Target(); {
		case planned && !read.Has(name): // the caller has not named it, so neither does the failure
			failures = append(failures, fault.Unnamed(auth.Read, ""))
		case planned && !write.Has(name):
			failures = append(failures, fault.Unnamed(auth.Write, name.String()))
		case !write.Has(name):
			failures = append(failures, fault.Failure{Change: i, Field: "name", Err: &fault.ForbiddenError{Action: auth.Write, On: name.String()}})
		case readsToAnswer(cmd) && !read.Has(name):
			failures = append(failures, fault.Failure{Change: i, Field: "name", Err: &fault.ForbiddenError{Action: auth.Read, On: name.String()}})
		}
	}
	for _, name := range set.Skipped {
		if !read.Has(name) {
			failures = append(failures, fault.Unnamed(auth.Read, ""))
		}
	}
	return failures
}

// readsToAnswer reports whether what follows from a command shows the value that its config has, or
// had.
func readsToAnswer(cmd config.Command) bool {
	set, isSet := cmd.(config.Set)
	return restoresLastValue(cmd) || isSet && set.OnlyIfChanged
}

// refusalOf returns why a command was refused. A caller that may not read the config learns that
// there is a conflict, but nothing of what it is with.
func refusalOf(reason error, current *projection.Config, hidden bool) *fault.Refusal {
	if !hidden {
		return &fault.Refusal{Reason: reason, Current: current}
	}
	if conflict, is := errors.AsType[*config.VersionConflictError](reason); is {
		reason = &config.VersionConflictError{Expected: conflict.Expected, Hidden: true}
	}
	return &fault.Refusal{Reason: reason, Hidden: true}
}
