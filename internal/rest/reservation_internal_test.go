package rest

import (
	"fmt"
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

// TestPagesDoNotWaitInMemory: a page for which there is no memory is read again when there is.
func TestPagesDoNotWaitInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := budget.New(budget.Options{Bytes: 100, Wait: budget.Forever})
		other := answers.Reservation()
		if !other.TryGrow(90) {
			t.Fatal("there is no memory")
		}
		reads := 0
		held := newReservation(answers, httptest.NewRecorder(), httptest.NewRequest("GET", "/changes", nil))
		read := func() (string, error) { reads++; return fmt.Sprint("page ", reads), nil }
		got := make(chan string)
		go func() {
			page, _ := readPage(held, read, func(page string) int { return len(page) + 20 })
			got <- page
		}()
		synctest.Wait()
		if reads != 1 || answers.Waiting() != 1 {
			t.Errorf("%d reads, %d wait", reads, answers.Waiting())
		}
		other.Release()
		if page := <-got; page != "page 2" || answers.Held() != copies*26 {
			t.Errorf("got %q, %d bytes are held", page, answers.Held())
		}
		if page, err := readPage(held, read, func(string) int { return 5 }); page != "page 3" || err != nil || answers.Held() != copies*5 {
			t.Errorf("got %q, %v, %d bytes are held", page, err, answers.Held())
		}
		held.release()
	})
}
