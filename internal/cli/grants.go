package cli

import (
	"errors"
	"slices"
	"strings"

	"configapi/internal/auth"
)

// parseGrant parses ACTIONS:PREFIX, such as READ,WRITE:payments. The prefix is not checked.
func parseGrant(text string) (auth.Grant, error) {
	names, prefix, found := strings.Cut(text, ":")
	if !found {
		return auth.Grant{}, errors.New("write ACTIONS:PREFIX, such as READ,WRITE:payments, or READ: for everything")
	}
	actions, err := auth.ParseActions(strings.Split(names, ","))
	return auth.Grant{Actions: actions, Prefix: prefix}, err
}

// grants is the flag --grant, which has one grant and may be repeated.
type grants []auth.Grant

func (g *grants) String() string { return "" }

func (g *grants) Set(text string) error {
	grant, err := parseGrant(text)
	if err == nil {
		*g = append(*g, grant)
	}
	return err
}

// grantList is a flag with grants such as READ:a or READ,WRITE:a,READ:b. It may be repeated. ADMIN
// is not for anonymous callers.
type grantList struct{ grants *auth.Grants } // nil: none was given

func (l *grantList) String() string { return grantsText(l.grants) }

func (l *grantList) Set(text string) error {
	list, begun := slices.Clone(l.grants.List()), ""
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if begun += part; !strings.Contains(part, ":") {
			begun += "," // the next part has another action of the same grant
			continue
		}
		grant, err := parseGrant(begun)
		if err != nil {
			return err
		}
		if slices.Contains(grant.Actions, auth.Admin) {
			return errors.New("callers without a token may have READ and WRITE only")
		}
		list, begun = append(list, grant), ""
	}
	if begun != "" {
		_, err := parseGrant(strings.TrimSuffix(begun, ","))
		return err
	}
	grants, err := auth.NewGrants(list...)
	if err == nil && len(list) > 0 {
		l.grants = grants
	}
	return err
}

// grantsText returns grants as the flag --grant takes them.
func grantsText(grants *auth.Grants) string {
	texts := make([]string, len(grants.List()))
	for i, g := range grants.List() {
		texts[i] = grantText(g)
	}
	return strings.Join(texts, " ")
}

func grantText(g auth.Grant) string {
	names := make([]string, len(g.Actions))
	for i, action := range g.Actions {
		names[i] = action.String()
	}
	return strings.Join(names, ",") + ":" + g.Prefix
}
