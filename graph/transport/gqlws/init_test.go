package gqlws

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/graph/transport/fanout"
	"configapi/graph/transport/transporttest"
	"configapi/internal/eventstream"
)

const (
	initMessage = `{"type":"connection_init"}`
	ticks       = `{"id":"1","type":"subscribe","payload":{"query":"subscription{ticks}"}}`
)

func TestInit(t *testing.T) {
	type key struct{}
	for _, row := range []struct {
		name, message string
		init          func(ctx context.Context, client eventstream.Client, payload map[string]any) (fanout.Rights, error)
		code          int
		says          string
	}{
		{"no payload", initMessage, wantPayload(t, nil, key{}), 0, ""},
		{"null payload", `{"type":"connection_init","payload":null}`, wantPayload(t, nil, key{}), 0, ""},
		{"payload", `{"type":"connection_init","payload":{"token":"t","n":[1]}}`, wantPayload(t, map[string]any{"token": "t", "n": []any{int64(1)}}, key{}), 0, ""},
		{"refused", initMessage, refuse(errors.New("s3cret")), 4403, "Forbidden"},
		{"refused with a code", initMessage, refuse(fmt.Errorf("asking: %w", &CloseError{Code: 1013, Reason: "later"})), 1013, "later"},
		{"panics", initMessage, func(context.Context, eventstream.Client, map[string]any) (fanout.Rights, error) { panic("s3cret") }, 1011, "internal error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, Options{Init: row.init, Log: quiet()}, func(t *testing.T, f *fixture) {
				p := f.dial(t, offer)
				p.send(row.message)
				if row.code != 0 {
					p.wantClose(row.code, row.says)
					return
				}
				p.want(`{"type":"connection_ack"}`)
				f.schema.OnContext = (func(ctx context.Context) {
					if ctx.Value(key{}) != "from init" {
						t.Error("the operation's context does not come from Init")
					}
				})
				p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
				p.wantLike(`"type":"next"`)
				p.wantLike(`"type":"complete"`)
			})
		})
	}
}

func wantPayload(t *testing.T, want map[string]any, key any) func(context.Context, eventstream.Client, map[string]any) (fanout.Rights, error) {
	return func(ctx context.Context, _ eventstream.Client, payload map[string]any) (fanout.Rights, error) {
		if diff := cmp.Diff(want, payload); diff != "" {
			t.Errorf("payload (-want +got)\n%s", diff)
		}
		return fanout.Rights{Context: context.WithValue(ctx, key, "from init")}, nil
	}
}

func refuse(err error) func(context.Context, eventstream.Client, map[string]any) (fanout.Rights, error) {
	return func(context.Context, eventstream.Client, map[string]any) (fanout.Rights, error) {
		return fanout.Rights{}, err
	}
}

func TestInitHookThatHangsIsTimedOut(t *testing.T) {
	hang := func(ctx context.Context, _ eventstream.Client, _ map[string]any) (fanout.Rights, error) {
		<-ctx.Done()
		return fanout.Rights{Context: ctx}, nil
	}
	bubble(t, Options{Init: hang}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.send(initMessage)
		p.wantClose(4408, "Connection initialisation timeout")
	})
}

// TestRightsEnd has Init grant rights that end while the socket has streams.
func TestRightsEnd(t *testing.T) {
	for _, row := range []struct {
		name string
		init func(context.Context) context.Context
		code int
		says string
	}{
		{"revoked", endsWith(&CloseError{CloseForbidden, "the token was revoked"}), 4403, "the token was revoked"},
		{"with a code", endsWith(fmt.Errorf("asking: %w", &CloseError{1013, "later"})), 1013, "later"},
		{"with another error", endsWith(errors.New("s3cret")), 4403, "Forbidden"},
		{"expired", func(ctx context.Context) context.Context {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			context.AfterFunc(ctx, cancel)
			return ctx
		}, 4403, "Forbidden"},
	} {
		t.Run(row.name, func(t *testing.T) {
			init := func(ctx context.Context, _ eventstream.Client, _ map[string]any) (fanout.Rights, error) {
				return fanout.Rights{Context: row.init(ctx)}, nil
			}
			bubble(t, Options{Init: init, Budgets: transporttest.PatientBudgets(), rules: rules{pingInterval: time.Hour, silenceTimeout: time.Hour}}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				start := time.Now()
				p.send(ticks)
				p.send(`{"id":"2","type":"subscribe","payload":{"query":"{wait}"}}`)
				f.schema.Events <- "one"
				p.wantLike("one")
				p.wantClose(row.code, row.says) // and nothing of the streams that it ended
				if took := time.Since(start); took != time.Minute+time.Second {
					t.Errorf("took %v, want a minute and the drain", took)
				}
				<-f.schema.Ended
			})
		})
	}
}

// endsWith returns what has rights end for this reason, after a minute.
func endsWith(reason error) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Minute, func() { cancel(reason) })
		return ctx
	}
}

func TestNobodyIsRefusedAtTheEnd(t *testing.T) {
	granted := func(ctx context.Context, _ eventstream.Client, _ map[string]any) (fanout.Rights, error) {
		return fanout.Rights{Context: context.WithValue(ctx, t, "some rights")}, nil
	}
	bubble(t, Options{Init: granted}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.sendFrame(opClose, "\x03\xe8")
		if opcode, payload, err := p.receive(); opcode != opClose || payload != "\x03\xe8" || err != nil {
			t.Errorf("got opcode %d, %q, %v; want close 1000", opcode, payload, err)
		}
	})
}
