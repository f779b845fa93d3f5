package graph

import (
	"context"
	"strings"

	"configapi/graph/model"
	"configapi/graph/scalar"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

func (r mutationResolver) RevertConfigs(ctx context.Context, input model.RevertConfigsInput) (model.ApplyConfigsResult, error) {
	var p revertParser
	revert := configstore.Revert{
		To:             p.moment(input.To),
		Filter:         p.filter(input.Filter),
		DryRun:         isTrue(input.DryRun),
		Reason:         p.reason(input.Reason),
		IdempotencyKey: p.key(input.IdempotencyKey),
	}
	if input.AsSeenAt != nil {
		revert.AsSeenAt = new(p.position("asSeenAt", *input.AsSeenAt))
	}
	if len(p.failures) > 0 {
		return r.rejected(ctx, p.failures)
	}
	out, err := r.store.Revert(ctx, r.caller(ctx), revert)
	return r.applied(ctx, out, err, nil)
}

func (r mutationResolver) RevertChangeSet(ctx context.Context, input model.RevertChangeSetInput) (model.ApplyConfigsResult, error) {
	var p revertParser
	revert := configstore.RevertSet{
		ChangeSet:      p.position("changeSet", input.ChangeSet),
		DryRun:         isTrue(input.DryRun),
		Reason:         p.reason(input.Reason),
		IdempotencyKey: p.key(input.IdempotencyKey),
	}
	if input.OnConflict != nil {
		revert.OnConflict = onConflict[*input.OnConflict]
	}
	if len(p.failures) > 0 {
		return r.rejected(ctx, p.failures)
	}
	out, err := r.store.RevertChangeSet(ctx, r.caller(ctx), revert)
	return r.applied(ctx, out, err, nil)
}

var onConflict = map[model.RevertConflict]configstore.OnConflict{
	model.RevertConflictFail:      configstore.FailOnConflict,
	model.RevertConflictSkip:      configstore.SkipConflicts,
	model.RevertConflictOverwrite: configstore.OverwriteConflicts,
}

// rejected returns the result for an input with failures. Nothing was decided, so the position is
// the newest.
func (r mutationResolver) rejected(ctx context.Context, failures []fault.Failure) (model.ApplyConfigsResult, error) {
	reader, err := r.store.Reader(r.caller(ctx))
	if err != nil {
		return nil, fault.BeforeWrite(err)
	}
	rejection := &fault.Rejection{Failures: failures, Position: reader.Head().Position()}
	return r.applied(ctx, configstore.SetOutcome{}, rejection, nil)
}

// revertParser reads the input of a revert, and collects all that is wrong with it.
type revertParser struct{ failures []fault.Failure }

// refuse adds a failure of a field, whose parts are separated by slashes. No error is none.
func (p *revertParser) refuse(field string, err error) {
	if err != nil {
		p.failures = append(p.failures, fault.Failure{Change: -1, Field: field, Err: err})
	}
}

func (p *revertParser) position(field string, at eventstore.Position) eventstore.Position {
	if at == scalar.Malformed {
		p.refuse(field, fault.ErrPositionUnknown)
	}
	return at
}

func (p *revertParser) moment(input *model.AsOfInput) configstore.PointInTime {
	at, err := pointInTime("to", *input)
	p.refuse("to", err)
	p.position("to", at.Position)
	return at
}

func (p *revertParser) filter(input *model.ConfigFilterInput) config.Filter {
	filter, err := filterOf(input)
	if err != nil {
		p.refuse("filter/"+fieldOf(err), err)
	}
	return filter
}

func (p *revertParser) reason(text *string) (reason config.Reason) {
	if text != nil {
		var err error
		reason, err = config.ParseReason(*text)
		p.refuse("reason", err)
	}
	return reason
}

func (p *revertParser) key(text *string) (key config.IdempotencyKey) {
	if text != nil {
		var err error
		key, err = config.ParseIdempotencyKey(*text)
		p.refuse("idempotencyKey", err)
	}
	return key
}

// fieldPath returns the path to a field, such as filter/names[3] or grants[1].prefix.
func fieldPath(field string) []string {
	return strings.FieldsFunc(field, func(r rune) bool { return strings.ContainsRune("/[].", r) })
}
