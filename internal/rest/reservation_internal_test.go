package rest

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
)

// TestAnswersAreNotCutBeforeTheyAreSent: while a change set is being written, others wait for its
// memory. Once its answer is being sent, a client that does not take it is cut off.
func TestAnswersAreNotCutBeforeTheyAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := budget.New(budget.Options{Bytes: 100, Wait: budget.Forever})
		writing := newReservation(answers, httptest.NewRecorder(), httptest.NewRequest("POST", "/changes", nil))
		if err := writing.reserve(40); err != nil {
			t.Fatal(err)
		}
		waiting, granted := answers.Reservation(), make(chan error, 1)
		go func() { granted <- waiting.Grow(t.Context(), 50) }()
		time.Sleep(time.Minute)
		if writing.isCutOff() {
			t.Error("the answer was cut off before it was sent")
		}
		writing.send()
		time.Sleep(time.Minute)
		if !writing.isCutOff() {
			t.Error("the answer that nobody takes is not cut off")
		}
		writing.release()
		if err := <-granted; err != nil {
			t.Error(err)
		}
		waiting.Release()
	})
}
