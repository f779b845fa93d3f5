// Package bounds bounds what GraphQL operations take: memory, time and errors.
//
// [Budgets] are what all transports of a server share. An operation executes in an [Answer], a
// context that counts the bytes of the answer field by field, reserves memory for them before they
// are allocated, and ends when the operation's time is over:
//
//	a := bounds.NewAnswer(ctx, budgets, budgets.Answers)
//	defer a.End()
//	response, fault := a.Perform(exec, operation)
//
// Resolvers find the answer with [AnswerOf], count what they return with [Answer.Count], and read
// pages of the event store with [ReadPage]. What a subscription keeps in memory for as long as it
// lasts is [Retained].
//
// # What it guarantees
//
// The bytes that are reserved never exceed the budgets. An answer that would be too long, or for
// which there is no memory in time, is replaced by one error. The answer to a mutation reserves its
// memory before the first field runs, and is never given up after that.
//
// # What it does not do
//
// It does not measure memory: it counts what the answer will hold, and adds what gqlgen is known to
// take for a field. It sends nothing: the transports hold a reservation until its bytes are sent.
package bounds
