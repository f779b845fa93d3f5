// Package budget shares a fixed number of bytes among requests that need memory at the same time.
//
// A [Budget] has a size in bytes. Its users hold [Reservation]s: a reservation grows before the
// memory that it stands for is allocated, and is released when that memory is garbage. The bytes of
// all reservations together never exceed the size of the budget, but for [Reservation.Force].
//
//	bodies := budget.New(budget.Options{Bytes: 256 << 20})
//	room := bodies.Reservation()
//	defer room.Release()
//	if err := room.Grow(ctx, 64<<10); err != nil {
//		… // ErrNoRoom: answer 503 with Retry-After. ErrTooLarge: it can never fit. Else ctx has ended.
//	}
//
// Growing waits while there is no room: in the order of arrival, at most for [Options.Wait], and
// only if not too many wait already. Reservations that hold bytes come before those that hold none,
// since finishing what has begun is what frees room.
//
// Two rules keep one kind of user from taking the room of all others. A part of the budget, of
// [Options.SmallBytes], is for small reservations alone. And when a reservation has waited for 250
// ms, the reservation whose bytes are taken slowest is cut: see [Reservation.Sending].
//
// A budget within another one ([Budget.Within]) bounds a part, such as one connection: its
// reservations count in both.
package budget
