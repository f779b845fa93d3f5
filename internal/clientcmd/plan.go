package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"configapi/client/rest"
	"configapi/internal/config"
	"configapi/internal/fault"
)

// maxChanges is how many changes one set takes.
const maxChanges = config.MaxChanges

// plan is a change set that was made of what configs are at a position. It is rejected when one of
// them has changed since.
type plan struct {
	set    rest.ChangeSet
	advice string // what to do when the set is too large
}

// carryOut shows what a plan comes to, asks for it on a terminal, and makes it. Without a terminal,
// and with yes, it does not ask.
func (s *session) carryOut(ctx context.Context, f writeFlags, p plan, yes bool) error {
	switch n := len(p.set.Changes); {
	case n == 0:
		return s.showResult(f, rest.Result{Revisions: []rest.Revision{}, Unchanged: []string{}, Position: p.set.AsSeenAt, DryRun: f.dryRun})
	case n > maxChanges:
		return &ExitError{fault.ExitInvalid, fmt.Errorf("there are %d changes, and one set takes %d: %s", n, maxChanges, p.advice)}
	}
	_, isTerminal := s.env.Width(s.env.Stdin)
	if f.dryRun || yes || !isTerminal || s.target.Confirm { // a context that confirms asks by itself
		return s.apply(ctx, f, p.set)
	}
	tried := p.set
	tried.DryRun, tried.Reason = true, f.reason
	result, err := s.client.Apply(ctx, tried, "")
	if err != nil {
		return err
	}
	if err := s.ask("%sMake %s?", s.describe(f, result), theseChanges(len(result.Revisions))); err != nil {
		return err
	}
	return s.apply(ctx, f, p.set)
}

// ask asks the user for a y on a terminal. Any other answer is an error.
func (s *session) ask(format string, args ...any) error {
	fmt.Fprintf(s.env.Stderr, format+" [y/N] ", args...)
	answer, err := readLine(s.env.Stdin)
	switch answer = strings.ToLower(strings.TrimSpace(answer)); {
	case errors.Is(err, errInterrupted):
		return err
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case answer != "y" && answer != "yes":
		return UsageErrorf("nothing was written: the answer was not y")
	}
	return nil
}

func theseChanges(n int) string {
	if n == 1 {
		return "this change"
	}
	return fmt.Sprintf("these %d changes", n)
}

// setOrRestore returns the change that gives a config a value, whether it is deleted or not.
func setOrRestore(name, value string, isDeleted bool) rest.Change {
	if isDeleted {
		return rest.Change{Restore: &rest.Restore{Name: name, Value: &value}}
	}
	return rest.Change{Set: &rest.Set{Name: name, Value: value}}
}

// deletedBelow returns which names at and below a prefix are deleted now.
func (s *session) deletedBelow(ctx context.Context, prefix string) (map[string]bool, error) {
	deleted := make(map[string]bool)
	err := s.client.Deleted(ctx, prefix, func(r rest.Revision) error {
		deleted[r.Name] = true
		return nil
	})
	return deleted, err
}

// noneBelow is the error of a command that names what is not there. prefix is the whole one.
func (s *session) noneBelow(prefix string) error {
	return notFound(fmt.Errorf("nothing was written: there is no config %s, and none below it, that you may see; `configapi list` shows the configs that there are, and `configapi list --deleted` those that were",
		s.shortName(prefix)))
}

// belowPrefix returns the name that stands in the place of a name below one prefix below another
// one. Neither prefix has a slash at its end.
func belowPrefix(name, from, to string) string { return to + strings.TrimPrefix(name, from) }

// twoPrefixes returns the whole prefixes that the command line names, neither of which may be
// within the other.
func (s *session) twoPrefixes(args []string) (from, to string, err error) {
	if from, err = s.fullName(strings.TrimSuffix(args[0], "/")); err != nil {
		return "", "", err
	}
	if to, err = s.fullName(strings.TrimSuffix(args[1], "/")); err != nil {
		return "", "", err
	}
	if strings.HasPrefix(from+"/", to+"/") || strings.HasPrefix(to+"/", from+"/") {
		return "", "", UsageErrorf("one of the prefixes is within the other; name two that are not")
	}
	return from, to, nil
}
