package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"configapi/internal/config"
)

// Action is what a grant allows. None contains another.
type Action int

// The actions.
const (
	Read  Action = iota // read values, history and streams
	Write               // set, delete and restore
	Admin               // make, change and revoke tokens that may do no more than the caller
	actions
)

var actionNames = [actions]string{"READ", "WRITE", "ADMIN"}

// String returns the name of the action, READ for example.
func (a Action) String() string { return actionNames[a] }

// ParseAction returns the action of a name. The error is a [*config.InvalidError].
func ParseAction(name string) (Action, error) {
	if i := slices.Index(actionNames[:], name); i >= 0 {
		return Action(i), nil
	}
	return 0, &config.InvalidError{Field: "actions", Rule: fmt.Sprintf("may hold only %s", strings.Join(actionNames[:], ", "))}
}

// ParseActions returns the actions of names, in their order. The error is a [*config.InvalidError].
func ParseActions[N ~string](names []N) ([]Action, error) {
	parsed := make([]Action, len(names))
	for i, name := range names {
		var err error
		if parsed[i], err = ParseAction(string(name)); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

// MaxGrants is how many grants one token has at most.
const MaxGrants = 50

// Grant allows actions on all names below a prefix.
type Grant struct {
	Actions []Action
	Prefix  string // whole leading segments; "" is everything
}

// ParseGrant reads ACTIONS:PREFIX, such as READ,WRITE:payments, which is what [Grant.String]
// writes. The prefix is not checked: [NewGrants] does.
func ParseGrant(text string) (Grant, error) {
	names, prefix, found := strings.Cut(text, ":")
	if !found {
		return Grant{}, errors.New("write ACTIONS:PREFIX, such as READ,WRITE:payments, or READ: for everything")
	}
	parsed, err := ParseActions(strings.Split(names, ","))
	return Grant{Actions: parsed, Prefix: prefix}, err
}

// String returns the grant as ACTIONS:PREFIX.
func (g Grant) String() string {
	names := make([]string, len(g.Actions))
	for i, action := range g.Actions {
		names[i] = action.String()
	}
	return strings.Join(names, ",") + ":" + g.Prefix
}

func (g Grant) equal(other Grant) bool {
	return g.Prefix == other.Prefix && slices.Equal(g.Actions, other.Actions)
}

// Grants are what a caller may do: the union of some grants. Their order means nothing. nil allows
// nothing. They never change.
type Grants struct {
	list   []Grant
	scopes [actions]config.Prefixes // :: action → the names on which it is allowed
}

// Everything allows all actions on all names.
var Everything = must(NewGrants(Grant{Actions: []Action{Read, Write, Admin}}))

func must(g *Grants, err error) *Grants {
	if err != nil {
		panic(err)
	}
	return g
}

// NewGrants checks grants: at most [MaxGrants], each with a valid prefix and an action at least. It
// keeps them in the order in which they are given, each action once. The error is a
// [*config.InvalidError] whose field begins with grants.
func NewGrants(list ...Grant) (*Grants, error) {
	if len(list) > MaxGrants {
		return nil, &config.InvalidError{Field: "grants", Rule: fmt.Sprintf("has %d entries; at most %d are allowed", len(list), MaxGrants)}
	}
	g := &Grants{list: make([]Grant, 0, len(list))}
	var prefixes [actions][]string
	for i, grant := range list {
		if err := config.CheckPrefix(grant.Prefix); err != nil {
			invalid := *err.(*config.InvalidError)
			invalid.Field = fmt.Sprintf("grants[%d].prefix", i)
			return nil, &invalid
		}
		allowed := slices.Clone(grant.Actions)
		slices.Sort(allowed)
		allowed = slices.Compact(allowed)
		if len(allowed) == 0 {
			return nil, &config.InvalidError{Field: fmt.Sprintf("grants[%d].actions", i), Rule: "is empty; give at least one of " + strings.Join(actionNames[:], ", ")}
		}
		for _, action := range allowed {
			prefixes[action] = append(prefixes[action], grant.Prefix)
		}
		g.list = append(g.list, Grant{allowed, strings.TrimSuffix(grant.Prefix, "/")})
	}
	for action := range prefixes {
		g.scopes[action] = config.Below(prefixes[action]...)
	}
	return g, nil
}

// List returns the grants. The slice must not be changed.
func (g *Grants) List() []Grant {
	if g == nil {
		return nil
	}
	return g.list
}

// Scope returns the names on which an action is allowed.
func (g *Grants) Scope(a Action) config.Prefixes {
	if g == nil {
		return config.Prefixes{}
	}
	return g.scopes[a]
}

// Include reports whether g allows all that other grants allow.
func (g *Grants) Include(other *Grants) bool {
	for a := range actions {
		for _, prefix := range other.Scope(a).Texts() {
			if !g.Scope(a).Contains(prefix) {
				return false
			}
		}
	}
	return true
}
