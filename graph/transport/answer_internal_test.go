package transport

import (
	"context"
	"testing"
	"time"
)

// TestAnswerThatEndsHasAReason ends an answer while something still waits on it: a context whose
// Done is closed and whose Err is nil ends the program.
func TestAnswerThatEndsHasAReason(t *testing.T) {
	a := &Answer{Context: t.Context(), deadline: time.Now().Add(time.Hour), passed: true}
	a.begun.Store(true)
	waiting, cancel := context.WithTimeout(a, time.Hour)
	defer cancel()
	if err := a.Err(); err != nil {
		t.Errorf("before its end: %v", err)
	}
	a.end()
	<-waiting.Done()
	if a.Err() == nil || waiting.Err() == nil {
		t.Errorf("got %v and %v, want reasons", a.Err(), waiting.Err())
	}
}
