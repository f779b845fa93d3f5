package writer

import (
	"context"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// DoToken carries out a command for a token, and returns its outcome, which has the token and no
// config. The outcome of an [auth.BootstrapToken] that comes too late has no token either. The
// change is then on disk and can be read.
//
// Such a command has no idempotency key: its receipt would have to keep the secret. The errors are
// those of [auth.Token.Decide], or a [*fault.UnavailableError]. The end of ctx ends the waiting,
// not the write.
func (w *Writer) DoToken(ctx context.Context, caller auth.Caller, cmd auth.TokenCommand, reason config.Reason) (Outcome, error) {
	r := newRequest(caller, config.ChangeSet{Reason: reason}, 0)
	r.token = cmd
	outcome, _, err := w.queued(ctx, r)
	return outcome, err
}

// grants returns what a caller may do at the state that the batch decides on. A caller with a token
// may do what the token may do now: nothing when it was revoked or has expired, or when the
// caller's secret has ended. An anonymous caller may do what it came with until a token is issued.
func (b *batch) grants(caller auth.Caller) *auth.Grants {
	if caller.Secret == "" {
		if b.opts.Closed || b.everIssued() {
			caller = caller.OnClosed(b.opts.Anonymous, b.view.ClosedAt())
		}
		return caller.Grants
	}
	present, _ := b.tokenOf(caller.Secret).Caller(caller.Secret, b.opts.Now())
	return present.Grants // nil when the caller's secret has ended
}

// everIssued reports whether the history has had a token, the batch's own ones included.
func (b *batch) everIssued() bool { return b.view.IsClosed() || len(b.tokens) > 0 }

// token returns a token after the batch's events so far, nil if it was never issued.
func (b *batch) token(name auth.TokenName) *auth.Token {
	if t, changed := b.tokens[name]; changed {
		return t
	}
	return b.view.Token(name)
}

// tokenOf is token for the one that has a secret. A secret that the batch itself makes is nobody's
// yet.
func (b *batch) tokenOf(id auth.PublicID) *auth.Token {
	t := b.view.TokenOf(id) // its newest state, but for events of the batch
	if t == nil {
		return nil
	}
	if changed, is := b.tokens[t.Name]; is {
		return changed
	}
	return t
}

// decideToken decides a request for a token on the state that the requests before it lead to.
func (b *batch) decideToken(r *request, grants *auth.Grants) result {
	if _, is := r.token.(auth.BootstrapToken); is && b.everIssued() {
		return result{outcome: Outcome{Position: b.tip.Position()}}
	}
	by := r.caller
	by.Grants = grants
	at := b.nextTime()
	event, err := b.token(r.token.Target()).Decide(r.token, by, at)
	if err != nil {
		return result{err: err}
	}
	if b.tokens == nil {
		b.tokens = make(map[auth.TokenName]*auth.Token)
	}
	b.tokens[event.Token.Name] = event.Token
	revision := b.sealToken(event, eventstore.Record{
		Actor: r.caller.Actor(), Reason: reasonOf(&r.set), RecordedAt: at, ChangeSet: b.tip.Seq + 1,
	})
	return result{outcome: Outcome{Revisions: []*eventstore.Revision{revision}, Token: event.Token, Position: revision.Position()}}
}

// sealToken adds the event of a token behind the batch's others, as a change set of its own. The
// record has the fields that are not the event's.
func (b *batch) sealToken(e auth.TokenEvent, record eventstore.Record) *eventstore.Revision {
	stored := e.Encode()
	record.Name, record.Version = e.Token.Name.Stream(), int(e.Token.Version)
	record.Type, record.SchemaVersion, record.Data = stored.Type, stored.SchemaVersion, stored.Data
	b.records = append(b.records, record)
	sealed := b.sealLast()
	revision := eventstore.NewRevision(sealed, config.Event{At: sealed.RecordedAt})
	revision.Stream = &config.StreamEvent{Type: e.Type, Stream: sealed.Name, Version: e.Token.Version, Content: e, At: sealed.RecordedAt, Bytes: len(sealed.Data)}
	b.revisions = append(b.revisions, revision)
	return revision
}
