package audit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"configapi/internal/auth"
)

const (
	// refusalQueue is how many lines of refusals are queued.
	refusalQueue = 1000
	// reportInterval is the time after which the log says how many refusals have no line.
	reportInterval = 10 * time.Second
)

// Refusal is a request, or a websocket, that was refused because of who has sent it.
type Refusal struct {
	Why       string // for people: never a secret, nor a value
	Actor     string // "": not known
	WithToken bool   // a token was sent, and it is not valid
	PublicID  string // of the secret that was sent; "": none, or it was malformed
	Remote    string // address of the client
	RequestID string // "": none
}

// OfUnknown returns the refusal of a caller that is not known, given the error of
// [configapi/internal/configstore.Store.Authenticate]. given reports whether the caller has sent a
// token, which is secret if it has the form of one.
func OfUnknown(err error, secret string, given bool) Refusal {
	kept, _ := auth.ParseSecret(secret)
	refusal := Refusal{Why: "the token is unknown, was revoked or has expired", WithToken: given, PublicID: string(kept.ID)}
	switch {
	case errors.Is(err, auth.ErrNoToken):
		refusal.Why = "no token"
	case errors.Is(err, auth.ErrMalformed):
		refusal.Why = "the token is malformed"
	}
	return refusal
}

// OfDenied returns the refusal of a caller that lacks a right, as err says.
func OfDenied(caller auth.Caller, err error) Refusal {
	return Refusal{Why: err.Error(), Actor: caller.Name, PublicID: string(caller.Secret)}
}

// Refusals writes log lines about refusals. Anyone can cause them, so they are sampled: the first
// 10 of each second have a line, and of the others each thousandth. A line has left_out, the number
// of refusals before it that have none; when no line follows, one with their number alone comes
// within 10 s. The queue is not that of changes, whose lines are neither delayed nor dropped
// because of refusals.
//
// [Refusals.Run] must run for lines to be written. Refusals is safe for concurrent use; nil records
// nothing.
type Refusals struct {
	out    *slog.Logger
	queue  chan refusalLine
	sample Sample
}

// refusalLine is a refusal that gets a line.
type refusalLine struct {
	Refusal
	at      time.Time
	leftOut int // refusals without a line before it
}

// NewRefusals returns a log of refusals that writes to out.
func NewRefusals(out *slog.Logger) *Refusals {
	return &Refusals{out: out, queue: make(chan refusalLine, refusalQueue)}
}

// Record queues the line of a refusal, or counts that it has none. It never blocks. It reports
// whether the refusal has a line; nil, which writes none, reports true.
func (r *Refusals) Record(refusal Refusal) (hasLine bool) {
	if r == nil {
		return true
	}
	leftOut, has := r.sample.Next()
	if !has {
		return false
	}
	select {
	case r.queue <- refusalLine{refusal, time.Now(), leftOut}:
		return true
	default: // the queue is full
		r.sample.leaveOut(leftOut + 1)
		return false
	}
}

// Run writes lines until ctx ends, and then those that are queued. It returns nil.
func (r *Refusals) Run(ctx context.Context) error {
	report := time.NewTicker(reportInterval)
	defer report.Stop()
	for {
		select {
		case line := <-r.queue:
			r.write(line)
		case <-report.C:
			r.reportLeftOut()
		case <-ctx.Done():
			r.drain()
			r.reportLeftOut()
			return nil
		}
	}
}

func (r *Refusals) drain() {
	for {
		select {
		case line := <-r.queue:
			r.write(line)
		default:
			return
		}
	}
}

func (r *Refusals) write(line refusalLine) {
	ctx, out := context.Background(), r.out.Handler()
	if !out.Enabled(ctx, slog.LevelInfo) {
		return
	}
	record := slog.NewRecord(line.at, slog.LevelInfo, "caller refused", 0)
	record.AddAttrs(slog.String("why", line.Why), slog.String("remote", line.Remote))
	for _, attr := range []slog.Attr{slog.String("actor", line.Actor), slog.String("public_id", line.PublicID), slog.String("request_id", line.RequestID)} {
		if attr.Value.String() != "" {
			record.AddAttrs(attr)
		}
	}
	if line.leftOut > 0 {
		record.AddAttrs(slog.Int("left_out", line.leftOut))
	}
	_ = out.Handle(ctx, record) // an error of the log cannot be logged
}

// reportLeftOut writes how many refusals have no line since the last one that has, if any.
func (r *Refusals) reportLeftOut() {
	if leftOut := r.sample.takeLeftOut(); leftOut > 0 {
		r.out.Info("callers refused", "left_out", leftOut)
	}
}
