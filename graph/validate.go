package graph

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxDocumentErrors is how many errors of a document are looked for.
const maxDocumentErrors = 10

// enough ends a validation that has found enough errors. The rules have no other way to end early.
type enough struct{}

// validate checks a document against GraphQL's rules. It ends at maxDocumentErrors errors, since
// the rules write out each that they find, with all of the value that it is about.
func validate(schema *ast.Schema, doc *ast.QueryDocument) (errs gqlerror.List) {
	defer func() {
		if value := recover(); value != nil && value != any(enough{}) {
			panic(value)
		}
	}()
	observers := new(core.Events)
	for _, rule := range documentRules {
		rule.RuleFunc(observers, func(options ...core.ErrorOption) {
			err := &gqlerror.Error{Rule: rule.Name}
			for _, option := range options {
				option(err)
			}
			errcode.Set(err, errcode.ValidationFailed)
			if errs = append(errs, err); len(errs) >= maxDocumentErrors {
				panic(enough{})
			}
		})
	}
	core.Walk(schema, doc, observers)
	return errs
}

// documentRules are those of GraphQL, by name. None of them makes suggestions: those tell a
// stranger what the schema holds, and take time with the square of the length of a name.
var documentRules = func() []core.Rule {
	set := rules.NewDefaultRules()
	for old, silent := range map[string]core.Rule{
		rules.FieldsOnCorrectTypeRule.Name:      rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		rules.KnownArgumentNamesRule.Name:       rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:           rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ScalarLeafsRule.Name:              rules.ScalarLeafsRuleWithoutSuggestions,
		rules.SingleFieldSubscriptionsRule.Name: singleRootRule,
		rules.ValuesOfCorrectTypeRule.Name:      rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		set.RemoveRule(old)
		set.AddRule(silent.Name, silent.RuleFunc)
	}
	var all []core.Rule
	for name, f := range set.GetInner() {
		all = append(all, core.Rule{Name: name, RuleFunc: f})
	}
	slices.SortFunc(all, func(a, b core.Rule) int { return cmp.Compare(a.Name, b.Name) })
	return all
}()

// singleRootRule is what a subscription may have at its root: one field, which is always there.
// gqlparser's own rule takes two aliases of one field for one, and lets @skip and @include leave no
// field at all.
var singleRootRule = core.Rule{
	Name: "SingleRootField",
	RuleFunc: func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnOperation(func(w *core.Walker, operation *ast.OperationDefinition) {
			if operation.Operation != ast.Subscription {
				return
			}
			r := roots{addError: addError, names: make(map[string]bool), seen: make(map[*ast.FragmentDefinition]bool)}
			r.collect(operation.SelectionSet)
		})
	},
}

// roots are the root fields of a subscription, those in fragments included.
type roots struct {
	addError core.AddErrFunc
	names    map[string]bool // of responses
	seen     map[*ast.FragmentDefinition]bool
}

func (r *roots) collect(set ast.SelectionSet) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			r.checkDirectives(selection.Directives)
			r.field(selection)
		case *ast.InlineFragment:
			r.checkDirectives(selection.Directives)
			r.collect(selection.SelectionSet)
		case *ast.FragmentSpread:
			r.checkDirectives(selection.Directives)
			if f := selection.Definition; f != nil && !r.seen[f] {
				r.seen[f] = true
				r.collect(f.SelectionSet)
			}
		}
	}
}

func (r *roots) field(f *ast.Field) {
	if strings.HasPrefix(f.Name, "__") {
		r.addError(core.Message("a subscription must not ask for %s at its root", strconv.Quote(f.Name)), core.At(f.Position))
	}
	if r.names[f.Alias] {
		return
	}
	r.names[f.Alias] = true
	if len(r.names) == 2 {
		r.addError(core.Message("a subscription must have exactly one root field; subscribe to each in an operation of its own"), core.At(f.Position))
	}
}

func (r *roots) checkDirectives(directives ast.DirectiveList) {
	for _, d := range directives {
		if d.Name == "skip" || d.Name == "include" {
			r.addError(core.Message("a subscription must not have @%s at its root", d.Name), core.At(d.Position))
		}
	}
}
