package bounds

import (
	"context"
	"sync/atomic"

	"configapi/internal/budget"
)

const (
	// maxStepBytes is the most by which a reservation grows ahead of what is counted.
	maxStepBytes = 1 << 20
	// largeBytes is the size from which on an answer is large.
	largeBytes = 1 << 20
)

// memory is what an answer has counted and reserved.
//
// An answer that becomes large first waits for one of the few slots for large answers that are
// being made. Otherwise many answers would each get a part of the budget, and none of them all of
// it.
type memory struct {
	outcome *outcome       // of the answer
	slots   *budget.Budget // of large answers
	max     int64          // the bytes that may be counted
	whole   bool           // all is reserved at once, so that no slot is needed

	used    atomic.Int64 // bytes that were counted: of the answer, and of what it is made of
	covered atomic.Int64 // bytes of the reservation
	large   atomic.Bool  // the slot was opened

	mu     longLock // guards what is below; held while memory is waited for
	bytes  budget.Reservation
	slot   budget.Reservation // of a large answer that is being made
	passed bool               // bytes belongs to a [budget.Shared]
}

// cover grows the reservation until it covers so many bytes, and waits for them. When there are
// none in time, the answer is given up before the next field that waits goes on.
func (m *memory) cover(ctx context.Context, total int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.outcome.proceed(); err != nil { // it was given up while this field waited for m.mu
		return err
	}
	missing := total - m.covered.Load()
	if missing <= 0 {
		return nil
	}
	if err := m.takeSlot(ctx, total); err != nil {
		return m.outcome.fail(err)
	}
	if step := min(m.covered.Load()/2, maxStepBytes); step > missing && m.bytes.TryGrow(step) {
		m.covered.Add(step)
		return nil
	}
	return m.grow(ctx, missing)
}

// tryAdd counts the bytes of a page if they can be reserved at once. They cannot while another
// field of the answer waits for memory: a field that waited behind it would hold a page that nobody
// counts.
func (m *memory) tryAdd(bytes int64) bool {
	if !m.mu.TryLock() {
		return false
	}
	defer m.mu.Unlock()
	total := m.used.Load() + bytes
	if total > m.max {
		return false
	}
	if missing := total - m.covered.Load(); missing > 0 {
		if !m.tryTakeSlot(total) || !m.bytes.TryGrow(missing) {
			return false
		}
		m.covered.Add(missing)
	}
	m.used.Add(bytes)
	return true
}

// add counts the bytes of a page, and waits until they can be reserved.
func (m *memory) add(ctx context.Context, bytes int64) error {
	total := m.used.Add(bytes)
	if total > m.max {
		m.used.Add(-bytes)
		return m.outcome.fail(errTooLong)
	}
	err := m.coverPage(ctx, total)
	if err != nil {
		m.used.Add(-bytes)
	}
	return err
}

// coverPage is [memory.cover] without a step ahead.
func (m *memory) coverPage(ctx context.Context, total int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.outcome.proceed(); err != nil {
		return err
	}
	missing := total - m.covered.Load()
	if missing <= 0 {
		return nil
	}
	if err := m.takeSlot(ctx, total); err != nil {
		return m.outcome.fail(err)
	}
	return m.grow(ctx, missing)
}

// grow needs m.mu.
func (m *memory) grow(ctx context.Context, missing int64) error {
	if err := m.bytes.Grow(ctx, missing); err != nil {
		return m.outcome.fail(err)
	}
	m.covered.Add(missing)
	return nil
}

// takeSlot waits for a slot when the answer becomes large. It needs m.mu.
func (m *memory) takeSlot(ctx context.Context, total int64) error {
	if total < largeBytes || m.whole || m.slot.Held() > 0 {
		return nil
	}
	m.slots.Open(&m.slot)
	m.large.Store(true)
	return m.slot.Grow(ctx, 1)
}

// tryTakeSlot is [memory.takeSlot] without a wait. It needs m.mu.
func (m *memory) tryTakeSlot(total int64) bool {
	if total < largeBytes || m.whole || m.slot.Held() > 0 {
		return true
	}
	m.slots.Open(&m.slot)
	m.large.Store(true)
	return m.slot.TryGrow(1)
}

// leaveSlot gives back the slot of a large answer: it is made.
func (m *memory) leaveSlot() {
	if !m.large.Load() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slot.Release()
}

// hold keeps the bytes of a finished answer alone: whatever it was made of is garbage.
func (m *memory) hold(total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch surplus := m.covered.Load() - total; {
	case surplus > 0:
		m.bytes.Shrink(surplus)
	case surplus < 0:
		m.bytes.Force(-surplus)
	}
	m.covered.Store(total)
}

// pass hands the reservation to holders of its own.
func (m *memory) pass() *budget.Shared {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed = true
	return budget.Share(&m.bytes)
}

// release gives back all but what was passed.
func (m *memory) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slot.Release()
	if !m.passed {
		m.bytes.Release()
	}
}
