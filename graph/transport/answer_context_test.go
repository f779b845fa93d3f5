package transport

import (
	"context"
	"testing"
)

// TestEndedAnswerHasAnError: whoever waits for the end of an answer's context must find out why it
// has ended, or the context package panics.
func TestEndedAnswerHasAnError(t *testing.T) {
	room := NewRoom(RoomOptions{})
	answer := newAnswer(t.Context(), room, room.opts.Answers)
	if err := answer.Begin(); err != nil {
		t.Fatal(err)
	}
	below, cancel := context.WithCancel(answer)
	defer cancel()
	if err := answer.Err(); err != nil {
		t.Fatalf("got %v before the end", err)
	}
	answer.end()
	<-answer.Done()
	if answer.Err() == nil {
		t.Error("the answer has ended without an error")
	}
	<-below.Done()
	if below.Err() == nil {
		t.Error("what is below has ended without an error")
	}
}

// TestContextsBelowAnAnswer end together with it, without goroutines that would wait for that.
func TestContextsBelowAnAnswer(t *testing.T) {
	room := NewRoom(RoomOptions{})
	answer := newAnswer(t.Context(), room, room.opts.Answers)
	if err := answer.Begin(); err != nil {
		t.Fatal(err)
	}
	type key struct{}
	var below [100]context.Context
	for i := range below {
		var cancel context.CancelFunc
		below[i], cancel = context.WithCancel(context.WithValue(answer, key{}, i))
		defer cancel()
	}
	answer.end()
	for _, ctx := range below {
		if ctx.Err() == nil {
			t.Fatal("a context below goes on")
		}
	}
}

// TestContextBelowEndsWhileTheAnswerBegins is for the race detector: an operation that waits for a
// position does so in a context below its answer, whose time begins afterwards.
func TestContextBelowEndsWhileTheAnswerBegins(t *testing.T) {
	room := NewRoom(RoomOptions{})
	for range 100 {
		answer := newAnswer(t.Context(), room, room.opts.Answers)
		below, cancel := context.WithCancel(answer)
		ended := make(chan struct{})
		go func() {
			cancel()
			close(ended)
		}()
		if err := answer.Begin(); err != nil {
			t.Fatal(err)
		}
		<-ended
		<-below.Done()
		answer.end()
	}
}
