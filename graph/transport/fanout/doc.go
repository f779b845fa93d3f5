// Package fanout brings the items of subscriptions to many subscribers.
//
// A resolver returns a [Stream] of a [Source]. A [Producer] asks the source for items, one after the
// other, executes the operation on each, and encodes the response: that is a [Message]. A producer
// serves one subscriber, or a group of them.
//
// Subscribers with the same document, operation, variables and rights form a group: each message is
// made once for all of them. A new [Subscriber] is served on its own until it catches up; then it
// joins its group between two messages. A subscriber that does not take what its group sends leaves
// the group, is served on its own again, and joins again later. So nobody waits for anybody.
//
// # What it guarantees
//
// Each subscriber gets every item once, in order, however often it joins and leaves. A group holds
// no messages: those that are not sent yet are in the queues of connections, which are bounded.
// Memory is reserved before an item is read and until its message is sent.
//
// # What it does not do
//
// It knows no protocol and no connection: what it needs of them is [Receiver] and [Connection]. It
// does not know what an [Offset] means either: a resolver makes offsets, and gets them back.
package fanout
