package cli

import (
	"errors"
	"slices"
	"strings"

	"configapi/internal/auth"
)

// grants is the flag --grant, which has one grant and may be repeated.
type grants []auth.Grant

func (g *grants) String() string { return "" }

func (g *grants) Set(text string) error {
	grant, err := auth.ParseGrant(text)
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
		grant, err := auth.ParseGrant(begun)
		if err != nil {
			return err
		}
		if slices.Contains(grant.Actions, auth.Admin) {
			return errors.New("callers without a token may have READ and WRITE only")
		}
		list, begun = append(list, grant), ""
	}
	if begun != "" {
		_, err := auth.ParseGrant(strings.TrimSuffix(begun, ","))
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
		texts[i] = g.String()
	}
	return strings.Join(texts, " ")
}
