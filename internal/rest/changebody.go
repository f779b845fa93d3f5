package rest

import (
	"fmt"
	"net/http"
	"strconv"

	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/content"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/strictjson"
)

const applyRule = `must be a JSON object such as {"changes":[{"set":{"name":"a","value":"1"}},{"delete":{"name":"b"}}]}: `

// applyBody is the body of a change set.
type applyBody struct {
	Changes  *[]changeBody `json:"changes"`
	AsSeenAt *string       `json:"asSeenAt"`
	DryRun   bool          `json:"dryRun"`
	Reason   *string       `json:"reason"`
}

// changeBody is one change: exactly one of its members is there.
type changeBody struct {
	Set     *setBody     `json:"set"`
	Delete  *deleteBody  `json:"delete"`
	Restore *restoreBody `json:"restore"`
}

type setBody struct {
	deleteBody
	Value         *string `json:"value"`
	OnlyIfChanged bool    `json:"onlyIfChanged"`
}

type deleteBody struct {
	Name             *string `json:"name"`
	ExpectedVersion  *int64  `json:"expectedVersion"`
	ExpectedRevision *string `json:"expectedRevision"`
}

type restoreBody struct {
	deleteBody
	Value *string `json:"value"`
}

// kinds are what a body calls the kinds of changes.
var kinds = [...]string{config.SetChange: "set", config.DeleteChange: "delete", config.RestoreChange: "restore"}

// kind returns what a change is, and what all changes have. The latter is nil when the change does
// not have exactly one of its members.
func (c *changeBody) kind() (kind config.ChangeKind, common *deleteBody) {
	given := 0
	if c.Set != nil {
		kind, common, given = config.SetChange, &c.Set.deleteBody, given+1
	}
	if c.Delete != nil {
		kind, common, given = config.DeleteChange, c.Delete, given+1
	}
	if c.Restore != nil {
		kind, common, given = config.RestoreChange, &c.Restore.deleteBody, given+1
	}
	if given != 1 {
		return 0, nil
	}
	return kind, common
}

// fieldsOfChanges returns what the changes of a body say. The error is a [*config.InvalidError]
// about the form of the body. A change that breaks a rule is none: the set is refused for all that
// is wrong with it at once.
func fieldsOfChanges(bodies []changeBody, maxValueBytes int) ([]config.ChangeFields, error) {
	changes := make([]config.ChangeFields, len(bodies))
	for i := range bodies {
		body := &bodies[i]
		kind, common := body.kind()
		switch {
		case common == nil:
			return nil, errBadChanges(`member "changes": element ` + strconv.Itoa(i) + " must have exactly one of set, delete and restore")
		case common.Name == nil:
			return nil, errMissing(i, kind, "name")
		case body.Set != nil && body.Set.Value == nil:
			return nil, errMissing(i, kind, "value")
		}
		changes[i] = common.fields(kind, maxValueBytes)
		switch {
		case body.Set != nil:
			changes[i].Value, changes[i].OnlyIfChanged = body.Set.Value, body.Set.OnlyIfChanged
		case body.Restore != nil:
			changes[i].Value = body.Restore.Value
		}
	}
	return changes, nil
}

// fields returns what all changes have.
func (b *deleteBody) fields(kind config.ChangeKind, maxValueBytes int) config.ChangeFields {
	f := config.ChangeFields{Kind: kind, Fields: config.Fields{Name: *b.Name, MaxValueBytes: maxValueBytes, ExpectedVersion: b.ExpectedVersion}}
	if b.ExpectedRevision != nil {
		at, err := eventstore.ParsePosition(*b.ExpectedRevision)
		if err != nil {
			f.Invalid = fault.ErrNoRevision
		}
		f.Conditions = []config.Condition{config.RequireRevision(int64(at.Seq), config.HashPrefix(at.Prefix))}
	}
	return f
}

func errMissing(i int, kind config.ChangeKind, member string) error {
	return errBadChanges(fmt.Sprintf("member %q is missing or null in %s of element %d of changes", member, kinds[kind], i))
}

func errBadChanges(what string) error {
	return &config.InvalidError{Field: "body", Rule: applyRule + what}
}

// readJSON decodes the body of a request that is no single config's. Without a body, into stays as
// it is, and given is false. The error is a [*config.InvalidError] or a [*content.Error].
func readJSON(w http.ResponseWriter, r *http.Request, rule string, into any) (given bool, err error) {
	if r.ContentLength == 0 {
		return false, nil
	}
	if refused := objectBodies.Check(r.Header); refused != nil {
		return false, refused
	}
	buf := bodies.Get().(*[]byte)
	defer release(buf)
	var refused *content.Error
	*buf, refused = content.Read((*buf)[:0], w, r, budget.MaxBodyBytes)
	switch {
	case refused != nil:
		if refused.Kind == fault.TooLarge {
			refused.Detail += fmt.Sprintf("; a change set may have %d bytes of names, values and reason", config.MaxChangeSetBytes)
		}
		return false, refused
	case len(*buf) == 0:
		return false, nil
	}
	if err := strictjson.Decode(*buf, into, strictjson.Options{}); err != nil {
		return false, &config.InvalidError{Field: "body", Rule: rule + err.Error()}
	}
	return true, nil
}

// objectBodies are the bodies of change sets and reverts.
var objectBodies = content.Accepted{Types: []string{content.JSON}, Untyped: true, Want: "JSON in UTF-8, sent as " + content.JSON}
