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

// changeSet is a change set as a client has sent it.
type changeSet struct {
	config.ChangeSet
	kinds []string // :: index of a change → what the body calls it
}

// kindOf returns what a change is: its only member, and what all members have in common.
func (c *changeBody) kindOf() (kind string, common *deleteBody) {
	given := 0
	if c.Set != nil {
		kind, common, given = "set", &c.Set.deleteBody, given+1
	}
	if c.Delete != nil {
		kind, common, given = "delete", c.Delete, given+1
	}
	if c.Restore != nil {
		kind, common, given = "restore", &c.Restore.deleteBody, given+1
	}
	if given != 1 {
		return "", nil
	}
	return kind, common
}

// changesOf returns the changes of a body. The error is a [*config.InvalidError] about the form
// of the body; a change that breaks a rule is part of the set, which is refused for all of its
// failures at once.
func (h *Handler) changesOf(bodies []changeBody) (set changeSet, err error) {
	set.Changes = make([]config.Change, len(bodies))
	set.kinds = make([]string, len(bodies))
	for i := range bodies {
		body := &bodies[i]
		kind, common := body.kindOf()
		switch {
		case common == nil:
			return set, errNoChanges(`member "changes": element ` + strconv.Itoa(i) + " must have exactly one of set, delete and restore")
		case common.Name == nil:
			return set, errMissing(i, kind, "name")
		case body.Set != nil && body.Set.Value == nil:
			return set, errMissing(i, kind, "value")
		}
		set.kinds[i] = kind
		set.Changes[i] = h.parseChange(body, common)
	}
	return set, nil
}

func (h *Handler) parseChange(body *changeBody, common *deleteBody) (c config.Change) {
	fields := config.Fields{Name: *common.Name, MaxValueBytes: h.store.MaxValueBytes(), ExpectedVersion: common.ExpectedVersion}
	if common.ExpectedRevision != nil {
		at, err := eventstore.ParsePosition(*common.ExpectedRevision)
		if err != nil {
			at = noPosition
		}
		fields.Conditions = []config.Condition{config.RequireRevision(int64(at.Seq), config.HashPrefix(at.Prefix))}
	}
	var err error
	switch {
	case body.Set != nil:
		fields.Value, fields.OnlyIfChanged = body.Set.Value, body.Set.OnlyIfChanged
		c.Command, err = fields.Set()
	case body.Delete != nil:
		c.Command, err = fields.Delete()
	default:
		fields.Value = body.Restore.Value
		c.Command, err = fields.Restore()
	}
	if err != nil {
		invalid, _ := err.(*config.InvalidError) // as the methods of Fields promise
		return config.Change{Invalid: invalid}
	}
	return c
}

func errMissing(i int, kind, member string) error {
	return errNoChanges(fmt.Sprintf("member %q is missing or null in %s of element %d of changes", member, kind, i))
}

func errNoChanges(what string) error {
	return &config.InvalidError{Field: "body", Rule: applyRule + what}
}

// noPosition is a position that no history has: it stands for a text that is none.
var noPosition = eventstore.Position{Seq: -1}

// positionOf returns the position that a text names, [noPosition] when it names none: the store
// then refuses it along with all that is wrong besides.
func positionOf(text string) eventstore.Position {
	at, err := eventstore.ParsePosition(text)
	if err != nil {
		return noPosition
	}
	return at
}

func revisionID(at eventstore.Position) *config.RevisionID {
	return &config.RevisionID{Seq: int64(at.Seq), Hash: config.HashPrefix(at.Prefix)}
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
