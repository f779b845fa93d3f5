package budget

import "time"

// Sizes of the server's budgets, which all edges share, in bytes.
const (
	answersBytes       = 256 << 20
	bodiesBytes        = 256 << 20
	streamsBytes       = 256 << 20
	headersBytes       = 64 << 20
	subscriptionsBytes = 192 << 20

	smallAnswersBytes       = 64 << 20
	smallBodiesBytes        = 64 << 20
	smallStreamsBytes       = 64 << 20
	smallAnswer             = 1 << 20
	smallMessage            = 64 << 10
	smallSubscriptionsBytes = 64 << 20
	smallSubscription       = 32 << 10

	// ConnectionBytes is the budget for the answers of one connection: 32 MiB.
	ConnectionBytes = 32 << 20
	// MaxBodyBytes is the length of the longest request body and the longest websocket message: 16
	// MiB.
	MaxBodyBytes = 16 << 20
	// SmallBodyBytes is the length below which a body is small: 64 KiB.
	SmallBodyBytes = 64 << 10
)

// A client may take SendTime for an answer or a message, plus one second for each SendRate bytes.
const (
	SendTime = 60 * time.Second
	SendRate = 64 << 10
)

// TimeToSend returns how long a client may take for so many bytes.
func TimeToSend(bytes int64) time.Duration {
	return SendTime + time.Duration(bytes)*time.Second/SendRate
}

// ForAnswers returns the budget for all answers, from their execution until they are sent. A
// quarter is for answers below 1 MiB.
func ForAnswers() *Budget {
	return New(Options{Bytes: answersBytes, SmallBytes: smallAnswersBytes, SmallSize: smallAnswer})
}

// ForBodies returns the budget for all request bodies and websocket messages, until their requests
// are answered. A quarter is for bodies below 64 KiB.
func ForBodies() *Budget {
	return New(Options{Bytes: bodiesBytes, SmallBytes: smallBodiesBytes, SmallSize: SmallBodyBytes})
}

// ForHeaders returns the budget for request headers longer than 4 KiB, until their requests are
// answered.
func ForHeaders() *Budget { return New(Options{Bytes: headersBytes}) }

// ForSubscriptions returns the budget for the documents and variables of open GraphQL
// subscriptions. A third is for subscriptions below 32 KiB.
func ForSubscriptions() *Budget {
	return New(Options{Bytes: subscriptionsBytes, SmallBytes: smallSubscriptionsBytes, SmallSize: smallSubscription})
}

// ForStreams returns the budget for the messages of streams, from the read of a page until it is
// sent. Streams wait for memory without a time limit. A quarter is for messages below 64 KiB, so
// that live streams do not wait for streams that are behind.
func ForStreams() *Budget {
	return New(Options{Bytes: streamsBytes, SmallBytes: smallStreamsBytes, SmallSize: smallMessage, Wait: Forever, MaxWaiters: 200_000})
}
