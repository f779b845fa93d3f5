package rest

import (
	"fmt"
	"unicode/utf8"
)

// notUTF8 returns the error of a write with a text that is not UTF-8. Nothing is sent then, since
// JSON would have U+FFFD in place of what is not, and the server could not see that.
func notUTF8(what string) *Error {
	return &Error{Outcome: NotSent, Code: CodeInvalidInput, Message: what + " is not valid UTF-8; nothing was sent"}
}

// check returns an error when a text of the set is not UTF-8.
func (s ChangeSet) check() *Error {
	if !utf8.ValidString(s.Reason) {
		return notUTF8("the reason")
	}
	for i, change := range s.Changes {
		if !utf8.ValidString(change.name()) {
			return notUTF8(fmt.Sprintf("the name of change %d", i))
		}
		if !utf8.ValidString(change.value()) {
			return notUTF8("the value of " + change.name())
		}
	}
	return nil
}

// value returns the value that a change gives, "" when it gives none.
func (c Change) value() string {
	switch {
	case c.Set != nil:
		return c.Set.Value
	case c.Restore != nil && c.Restore.Value != nil:
		return *c.Restore.Value
	}
	return ""
}
