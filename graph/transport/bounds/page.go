package bounds

import "context"

// ReadPage reads a part of an answer from the event store: read returns it, and size its bytes. At
// most so many bytes are expected. Only a few pages are read at a time. A page that does not fit
// into the answer's budget is dropped, and read again when there is memory for it: so no page is
// held while it waits. The error is that of read, or says why the answer was given up.
func ReadPage[T any](ctx context.Context, most int64, read func() (T, error), size func(T) int64) (T, error) {
	a := AnswerOf(ctx)
	if a == nil {
		return read()
	}
	var none T
	if err := a.Proceed(); err != nil {
		return none, err
	}
	page, bytes, err := readPage(ctx, a, most, read, size)
	if err != nil || a.memory.tryAdd(bytes) {
		return page, err
	}
	page = none
	if err := a.memory.add(ctx, bytes); err != nil {
		return none, err
	}
	page, again, err := readPage(ctx, a, most, read, size)
	if err == nil && again > bytes {
		err = a.memory.add(ctx, again-bytes)
	}
	return page, err
}

// readPage reads once, while few others do.
func readPage[T any](ctx context.Context, a *Answer, most int64, read func() (T, error), size func(T) int64) (page T, bytes int64, err error) {
	reading := a.budgets.Pages.Reservation()
	defer reading.Release()
	if err := reading.Grow(ctx, most); err != nil {
		return page, 0, a.outcome.fail(err)
	}
	if page, err = read(); err != nil {
		return page, 0, err
	}
	return page, size(page), nil
}
