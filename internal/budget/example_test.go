package budget_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"configapi/internal/budget"
)

// A request reserves memory before it allocates any.
func Example() {
	bodies := budget.New(budget.Options{Bytes: 256 << 20, Wait: time.Second})
	body := bodies.Reservation()
	defer body.Release()

	err := body.Grow(context.Background(), 64<<10)
	switch {
	case errors.Is(err, budget.ErrExhausted): // answer 503 with Retry-After
	case errors.Is(err, budget.ErrTooLarge): // answer 413
	case err != nil: // the context has ended
	}
	fmt.Println(bodies.Held())
	// Output: 65536
}
