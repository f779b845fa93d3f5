package transporttest

import (
	"testing"
	"time"

	"configapi/graph/transport/bounds"
	"configapi/internal/budget"
)

// MiB is 2^20 bytes.
const MiB = 1 << 20

// WantEmpty checks that nothing of the budgets is reserved any more, and that nobody waits for it.
func WantEmpty(t *testing.T, b *bounds.Budgets) {
	t.Helper()
	for name, b := range map[string]*budget.Budget{
		"answers": b.Answers, "streams": b.Streams, "bodies": b.Bodies, "subscriptions": b.Subscriptions,
		"pages": b.Pages, "messages": b.Messages, "large answers": b.LargeAnswers,
	} {
		if held, waiting := b.Held(), b.Waiting(); held != 0 || waiting != 0 {
			t.Errorf("%s: %d bytes are held, and %d wait", name, held, waiting)
		}
	}
}

// PatientBudgets let operations take an hour.
func PatientBudgets() *bounds.Budgets {
	return bounds.NewBudgets(bounds.Options{OperationTime: time.Hour})
}

// FullBudgets are budgets of 1 MiB of answers, all of which others hold until leave is called.
func FullBudgets(t *testing.T) (full *bounds.Budgets, leave func()) {
	t.Helper()
	answers := budget.New(budget.Options{Bytes: MiB})
	others := answers.Reservation()
	if err := others.Grow(t.Context(), MiB); err != nil {
		t.Fatal(err)
	}
	return bounds.NewBudgets(bounds.Options{Answers: answers}), others.Release
}
