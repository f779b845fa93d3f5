package document

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

// enoughErrors is the panic that ends a validation early. The rules have no other way to end.
type enoughErrors struct{}

// validate checks a document against GraphQL's rules. It ends after maxErrors errors, since each
// error quotes the whole value that it is about.
func validate(schema *ast.Schema, doc *ast.QueryDocument) (errs gqlerror.List) {
	defer func() {
		if value := recover(); value != nil && value != any(enoughErrors{}) {
			panic(value)
		}
	}()
	observers := new(core.Events)
	for _, rule := range validationRules {
		rule.RuleFunc(observers, func(options ...core.ErrorOption) {
			err := &gqlerror.Error{Rule: rule.Name}
			for _, option := range options {
				option(err)
			}
			errcode.Set(err, errcode.ValidationFailed)
			if errs = append(errs, err); len(errs) >= maxErrors {
				panic(enoughErrors{})
			}
		})
	}
	core.Walk(schema, doc, observers)
	return errs
}

// validationRules are GraphQL's rules, sorted by name. None of them makes suggestions: suggestions
// show parts of the schema to strangers, and take time with the square of the length of a name.
var validationRules = func() []core.Rule {
	set := rules.NewDefaultRules()
	for replaced, rule := range map[string]core.Rule{
		rules.FieldsOnCorrectTypeRule.Name:      rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		rules.KnownArgumentNamesRule.Name:       rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:           rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ScalarLeafsRule.Name:              rules.ScalarLeafsRuleWithoutSuggestions,
		rules.SingleFieldSubscriptionsRule.Name: singleRootFieldRule,
		rules.ValuesOfCorrectTypeRule.Name:      rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		set.RemoveRule(replaced)
		set.AddRule(rule.Name, rule.RuleFunc)
	}
	var all []core.Rule
	for name, f := range set.GetInner() {
		all = append(all, core.Rule{Name: name, RuleFunc: f})
	}
	slices.SortFunc(all, func(a, b core.Rule) int { return cmp.Compare(a.Name, b.Name) })
	return all
}()

// singleRootFieldRule demands exactly one field at the root of a subscription, without @skip and
// @include. gqlparser's own rule counts two aliases of one field as one field, and lets a directive
// leave no field at all.
var singleRootFieldRule = core.Rule{
	Name: "SingleRootField",
	RuleFunc: func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnOperation(func(w *core.Walker, operation *ast.OperationDefinition) {
			if operation.Operation != ast.Subscription {
				return
			}
			r := rootFields{
				addError: addError,
				names:    make(map[string]bool),
				seen:     make(map[*ast.FragmentDefinition]bool),
			}
			r.check(operation.SelectionSet)
		})
	},
}

// rootFields checks the root fields of a subscription, those in fragments included.
type rootFields struct {
	addError core.AddErrFunc
	names    map[string]bool // response names
	seen     map[*ast.FragmentDefinition]bool
}

func (r *rootFields) check(set ast.SelectionSet) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			r.checkDirectives(selection.Directives)
			r.field(selection)
		case *ast.InlineFragment:
			r.checkDirectives(selection.Directives)
			r.check(selection.SelectionSet)
		case *ast.FragmentSpread:
			r.checkDirectives(selection.Directives)
			if f := selection.Definition; f != nil && !r.seen[f] {
				r.seen[f] = true
				r.check(f.SelectionSet)
			}
		}
	}
}

func (r *rootFields) field(f *ast.Field) {
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

func (r *rootFields) checkDirectives(directives ast.DirectiveList) {
	for _, d := range directives {
		if d.Name == "skip" || d.Name == "include" {
			r.addError(core.Message("a subscription must not have @%s at its root", d.Name), core.At(d.Position))
		}
	}
}
