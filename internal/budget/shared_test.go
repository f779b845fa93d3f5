package budget_test

import (
	"testing"

	"configapi/internal/budget"
)

// TestShared: the bytes are held until the last holder releases them.
func TestShared(t *testing.T) {
	b := budget.New(budget.Options{Bytes: 100})
	bytes := b.Reservation()
	grow(t, bytes, 10)
	shared := budget.Share(bytes)
	shared.Retain()
	shared.Release()
	wantHeld(t, b, 10)
	shared.Release()
	wantHeld(t, b, 0)
	var none *budget.Shared
	none.Retain()
	none.Sending(func() { t.Error("cut") })
	none.Sent(1)
	none.Release()
}
