package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/gorilla/websocket"

	"configapi/examples/go/api"
)

// Bounds of the pause before a reconnect. It doubles each time, until a message arrives.
const (
	firstWait = 50 * time.Millisecond
	longest   = 10 * time.Second
)

// closeForbidden is how the server closes a socket because of its token.
const closeForbidden = 4403

// codeForbidden is the code of a stream that does not go on from its position, because its token
// may read other configs than at that position.
const codeForbidden = "FORBIDDEN"

// watch calls each with every change after a position: each once and in order, through any number
// of reconnects. It returns nil when ctx ends, and an error when a retry cannot help, for example
// errRefused, or when the server does not know the position.
func watch(ctx context.Context, url string, filter *api.ConfigFilterInput, after string, each func(api.Change)) error {
	wait := firstWait
	for {
		err := stream(ctx, url, filter, after, func(batch api.Batch) {
			for _, change := range batch.Changes {
				each(change)
			}
			after = batch.Position // where to resume after a reconnect
			wait = firstWait
		})
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code == closeForbidden {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		var refused refusal
		if errors.As(err, &refused) && refused.code() == codeForbidden {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		if !retryable(err) {
			return err
		}
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
			wait = min(2*wait, longest)
		case <-ctx.Done():
			return nil
		}
	}
}

// stream calls each with the messages of one connection, and returns why it ended.
//
// It closes the connection itself, because Close and Unsubscribe of genqlient 0.8.1 close a channel
// to which its own goroutine may be sending.
func stream(ctx context.Context, url string, filter *api.ConfigFilterInput, after string, each func(api.Batch)) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	proof, err := authorization()
	if err != nil {
		return err
	}
	client := graphql.NewClientUsingWebSocket(url, dialer{silence: maxSilence}, graphql.WithConnectionParams(params(proof)))
	broken, err := client.Start(ctx)
	if err != nil {
		return err
	}
	messages, _, err := api.Watch(ctx, client, filter, &after)
	if err != nil {
		hangUp()
		return cmp.Or(<-broken, err)
	}
	var failure error
	for {
		select {
		case message, open := <-messages:
			switch {
			case failure != nil: // wait for the end of the connection
			case !open:
				failure = errors.New("the server ended the stream")
				messages = nil
			case len(message.Errors) > 0:
				failure = refusal{message.Errors}
			default:
				each(message.Data.ConfigChanges)
				continue
			}
			hangUp()
		case err := <-broken:
			return cmp.Or(failure, err)
		}
	}
}

// params returns the payload of connection_init.
func params(proof string) map[string]any {
	if proof == "" {
		return nil
	}
	return map[string]any{"Authorization": proof}
}

// errRefused is the error of a stream that the server ended, or did not begin, because of its
// token.
var errRefused = errors.New("the server does not take the token, or it may read other configs by now: list anew, and drop what is no longer there")

// retryable reports whether a new attempt may succeed.
func retryable(err error) bool {
	var refused refusal
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &refused):
		code := refused.code()
		return code == "UNAVAILABLE" || code == "POSITION_NOT_REACHED"
	case errors.As(err, &closed):
		return closed.Code < 4400 // codes from 4400 on report a mistake of the client
	default:
		return true
	}
}
