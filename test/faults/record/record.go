// Package record keeps what clients have seen: each write with its answer, each read, each message
// of a stream. It checks nothing; package checker does.
package record

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Position is a position in the history as clients see it.
type Position struct {
	Seq  int64
	Hash string // 8 hex digits
}

// ParsePosition parses the text of a position, such as 1842-9f3a21c0.
func ParsePosition(text string) (Position, error) {
	number, hash, _ := strings.Cut(text, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || len(hash) != 8 {
		return Position{}, fmt.Errorf("%q is no position", text)
	}
	return Position{n, hash}, nil
}

func (p Position) String() string { return strconv.FormatInt(p.Seq, 10) + "-" + p.Hash }

// Where identifies the process that answered a request: a node, and its incarnation. Each start of
// a node is a new incarnation.
type Where struct{ Node, Incarnation int }

// Unsure is the incarnation of a node that was restarted during the request.
const Unsure = -1

// Span is the time of a request and of its answer, since the recorder began.
type Span struct{ Call, Return time.Duration }

// Kind is what a write asks for.
type Kind int

// The kinds of writes.
const (
	Set Kind = iota
	Delete
	Restore
)

func (k Kind) String() string { return [...]string{"set", "delete", "restore"}[k] }

// Outcome is what a client knows about a write.
type Outcome int

// The outcomes. After Unknown the change may or may not have been made; the others are certain.
const (
	Unknown    Outcome = iota
	Done               // acknowledged
	Refused            // a rule forbids the write: see Write.Refusal
	NotWritten         // the server reports that nothing was written
)

func (o Outcome) String() string {
	return [...]string{"unknown", "done", "refused", "not written"}[o]
}

// Refusal is the rule that forbade a write.
type Refusal int

// The refusals.
const (
	NotFound Refusal = iota + 1
	Gone
	Conflict   // the version is not the expected one
	NotDeleted // only a deleted config can be restored
	Together   // no rule forbids this change, but the change set that it is part of
)

func (r Refusal) String() string {
	return [...]string{"", "not found", "deleted", "version conflict", "not deleted", "rejected with its set"}[r]
}

// Write is one change that a client requested.
type Write struct {
	Where
	Span
	// ID is in the value of the resulting event or in its reason, and in no other event. That of a
	// change in a set is made of the set's id, which is the reason, and of the name.
	ID     string
	Client int
	// Tries counts the attempts. Only a write with an idempotency key has more than one.
	Tries    int
	Kind     Kind
	Name     string
	Value    string // as [history.Digest] returns it; "" for a deletion
	Expected *int   // the version that the config must have; nil: any
	// Set is the id of the change set that the write is part of; "" for a single change.
	Set string
	// Last is set when a restore asks for the last value. Value is "" then.
	Last bool
	// SeenAt is the seq that the client had seen: the change must be refused when the config has
	// changed after it. 0: the client did not say.
	SeenAt int64
	// Reverts is the position of the change set that the write is to undo; "": none.
	Reverts string
	// Foreseen is what a dry run of the set, made before at SeenAt, says of this change.
	Foreseen Forecast

	Outcome Outcome
	// Refusal and Version are those of the answer. After a refusal, Version is the current one.
	Refusal  Refusal
	Version  int
	Position Position
	// Status is the text of the answer, for people.
	Status string
	// Failures are the attempts without a complete answer.
	Failures []Failure
	// Before is the old value of a set or a deletion in the answer for a change set, "" for none.
	Before string
	// Recalls are the answers to the same request with the same key, sent again after it was
	// acknowledged.
	Recalls []Recall
}

// Forecast is what a dry run says of a change. The zero Forecast is that of no dry run.
type Forecast struct {
	Made     bool
	Rejected bool // the set would not be carried out
	Version  int  // of the change
}

// Recall is the outcome of a change as another answer with the same key gives it.
type Recall struct {
	Outcome  Outcome
	Version  int
	Position Position
	Status   string // the text of the answer, for people
}

// Failure is a request without a complete answer.
type Failure struct {
	Node    int
	Request string // the id of the request
	Timeout bool   // the client gave up waiting
}

func (w *Write) String() string {
	text := fmt.Sprintf("%s: %s of %q on node %d (%s", w.ID, w.Kind, w.Name, w.Node, w.Outcome)
	if w.Outcome == Done {
		text += " at " + w.Position.String()
	}
	return text + ", " + w.Status + ")"
}

// Read is the answer to one read.
type Read struct {
	Where
	Span
	Client int
	// Name is the requested config; "" for a list of all configs below Prefix.
	Name, Prefix string
	// Names are the requested configs, when the client asked for several by name.
	Names    []string
	Position Position
	// Found, Version and Value are those of the one config.
	Found   bool
	Version int
	Value   string
	// Values are those of all configs below Prefix, or of Names.
	Values map[string]string // :: name → value
	// AtLeast is the oldest seq that the answer may have. The client requested it, or got it on a
	// stream of the same process.
	AtLeast int64
	// AtLeastHash is the hash of that event; "": any history may be meant.
	AtLeastHash string
	// Past is set when the client requested this very position, or all changes up to it. Nothing
	// follows about the present.
	Past bool
	// History is all changes of the one config up to the position, oldest first; nil: the client
	// did not request them.
	History []Revision
	// Page is a part of the history of Prefix, from After to Position; nil: the client did not
	// request it.
	Page  []Change
	After Position
	// Decisions are what a server said of the changes of a set, decided at Position; nil: the
	// client sent no set. The set was not carried out: it was rejected, or was a dry run.
	Decisions []Decision
	// Final is set on reads at the end of the round.
	Final bool
	// Linearizable is set when the client required a linearizable read: the answer is not older
	// than any write that was acknowledged before.
	Linearizable bool
}

// Revision is one change in the history of a config.
type Revision struct {
	Position Position
	Version  int
	Type     string // as in the column type
	Value    string // "" for a deletion
}

// Decision is what a server said of one change of a set.
type Decision struct {
	Change *Write // what the client asked for
	// Refusal is 0 when the change was allowed. Version is that of the change, or the current one
	// after a conflict; -1: the answer lacks it.
	Refusal Refusal
	Version int
	// Value is that of the allowed change, "" for a deletion.
	Value string
	// Rejected is set when the change is a reason why the set was not carried out.
	Rejected bool
	// Other is the code of a reason that no rule of a single change explains; "": none.
	Other string
	// Stale is set when the config has changed after the seq that the client had seen.
	Stale bool
}

// Change is one change in a message of a stream, or in a page of the history.
type Change struct {
	Position  Position
	ChangeSet int64
	Name      string
	Version   int
	Operation string
	Value     string
}

// Message is one message of a stream.
type Message struct {
	Where
	Changes  []Change
	Position Position
}

// Stream is all that one subscriber received, over any number of connections.
type Stream struct {
	Name, Prefix string
	// After is where the stream began; nil: at the newest position of that time.
	After    *Position
	Messages []Message
	// Connections counts the connections.
	Connections int
	// Refused is set when the stream ended because its last position was refused as unknown.
	Refused bool
	// Faults lists violations of the protocol.
	Faults []string
}

// Last is the position of the newest message, or the position where the stream began; nil when
// neither is known.
func (s *Stream) Last() *Position {
	if len(s.Messages) == 0 {
		return s.After
	}
	return &s.Messages[len(s.Messages)-1].Position
}

// Recorder collects what clients have seen. It is safe for concurrent use.
type Recorder struct {
	start time.Time

	mu     sync.Mutex // guards the fields below
	writes []*Write
	reads  []*Read
}

// New returns an empty recorder whose time begins now.
func New() *Recorder { return &Recorder{start: time.Now()} }

// Now is the time since the recorder began.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Write records writes that were answered or given up.
func (r *Recorder) Write(writes ...*Write) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, writes...)
}

// Read records an answer.
func (r *Recorder) Read(read *Read) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = append(r.reads, read)
}

// Writes returns all writes so far.
func (r *Recorder) Writes() []*Write {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writes
}

// Reads returns all reads so far.
func (r *Recorder) Reads() []*Read {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads
}
