package budget

import "time"

// The budgets of the server, in bytes. All edges share the same ones.
const (
	answersBytes = 256 << 20
	bodiesBytes  = 256 << 20
	streamsBytes = 256 << 20
	headersBytes = 64 << 20
	keptBytes    = 192 << 20

	smallAnswersBytes = 64 << 20
	smallBodiesBytes  = 64 << 20
	smallStreamsBytes = 64 << 20
	smallAnswer       = 1 << 20
	smallMessage      = 64 << 10
	smallKeptBytes    = 64 << 20
	smallSubscription = 32 << 10

	// ConnectionBytes is what the answers of one connection hold together, at most: 32 MiB.
	ConnectionBytes = 32 << 20
	// MaxBodyBytes is the longest body of a request, and the longest message of a websocket: 16
	// MiB.
	MaxBodyBytes = 16 << 20
	// SmallBodyBytes is the size below which a body counts as small: 64 KiB.
	SmallBodyBytes = 64 << 10
)

// How fast a client has to take an answer, or a message: within SendTime, however short it is, and
// one second more for each SendPace bytes.
const (
	SendTime = 60 * time.Second
	SendPace = 64 << 10
)

// TimeToSend is how long a client may take for so many bytes.
func TimeToSend(bytes int64) time.Duration {
	return SendTime + time.Duration(bytes)*time.Second/SendPace
}

// ForAnswers returns the budget of all answers that are being made or are not taken yet. A quarter
// of it is for answers under 1 MiB.
func ForAnswers() *Budget {
	return New(Options{Bytes: answersBytes, SmallBytes: smallAnswersBytes, SmallSize: smallAnswer})
}

// ForBodies returns the budget of all request bodies and websocket messages that are being received
// or worked on. A quarter of it is for small ones.
func ForBodies() *Budget {
	return New(Options{Bytes: bodiesBytes, SmallBytes: smallBodiesBytes, SmallSize: SmallBodyBytes})
}

// ForHeaders returns the budget of the headers of all requests that are being received or worked
// on, as far as they are longer than 4 KiB.
func ForHeaders() *Budget { return New(Options{Bytes: headersBytes}) }

// ForSubscriptions returns the budget of what GraphQL's subscriptions keep in memory for as long as
// they last: their documents and variables. A third is for small ones.
func ForSubscriptions() *Budget {
	return New(Options{Bytes: keptBytes, SmallBytes: smallKeptBytes, SmallSize: smallSubscription})
}

// ForStreams returns the budget of what streams have read and their clients have not taken yet.
// Streams wait for their turn as long as it takes. A quarter is for small messages, so that streams
// that are live do not wait for those that are behind.
func ForStreams() *Budget {
	return New(Options{Bytes: streamsBytes, SmallBytes: smallStreamsBytes, SmallSize: smallMessage, Wait: Forever, MaxWaiters: 200_000})
}
