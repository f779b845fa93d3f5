package bounds

import (
	"context"
	"testing"
	"time"
)

// TestEndedAnswerHasAnError: a caller that waits for the end of an answer's context must find out
// why it has ended, or the context package panics.
func TestEndedAnswerHasAnError(t *testing.T) {
	budgets := NewBudgets(Options{})
	answer := NewAnswer(t.Context(), budgets, budgets.Answers)
	if err := answer.Begin(); err != nil {
		t.Fatal(err)
	}
	below, cancel := context.WithCancel(answer)
	defer cancel()
	if err := answer.Err(); err != nil {
		t.Fatalf("got %v before the end", err)
	}
	answer.End()
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
	budgets := NewBudgets(Options{})
	answer := NewAnswer(t.Context(), budgets, budgets.Answers)
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
	answer.End()
	for _, ctx := range below {
		if ctx.Err() == nil {
			t.Fatal("a context below goes on")
		}
	}
}

// TestAnswerThatEndsHasAReason ends an answer, whose memory was passed on, while something still
// waits for it: a context whose Done is closed and whose Err is nil ends the program.
func TestAnswerThatEndsHasAReason(t *testing.T) {
	budgets := NewBudgets(Options{OperationTime: time.Hour})
	a := NewMessage(t.Context(), budgets)
	a.Pass(0).Release()
	waiting, cancel := context.WithTimeout(a, time.Hour)
	defer cancel()
	if err := a.Err(); err != nil {
		t.Errorf("before its end: %v", err)
	}
	a.End()
	<-waiting.Done()
	if a.Err() == nil || waiting.Err() == nil {
		t.Errorf("got %v and %v, want reasons", a.Err(), waiting.Err())
	}
}

// TestContextBelowEndsWhileTheAnswerBegins is for the race detector: an operation that waits for a
// position does so in a context below its answer, whose time begins afterwards.
func TestContextBelowEndsWhileTheAnswerBegins(t *testing.T) {
	budgets := NewBudgets(Options{})
	for range 100 {
		answer := NewAnswer(t.Context(), budgets, budgets.Answers)
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
		answer.End()
	}
}
