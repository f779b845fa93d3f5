// Package record is what clients have seen: each write with its answer, each read, each message of a stream. It judges nothing.
package record

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Position is a place in the history as an answer tells it.
type Position struct {
	Seq int64
	Hash   string // 8 hex digits
}

// ParsePosition reads the text of a position.
func ParsePosition(text string) (Position, error) {
	number, hash, _ := strings.Cut(text, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || len(hash) != 8 {
		return Position{}, fmt.Errorf("%q is no position", text)
	}
	return Position{n, hash}, nil
}

func (p Position) String() string { return strconv.FormatInt(p.Seq, 10) + "-" + p.Hash }

// Where says which server answered a request: a node, and which of its lives. A node that was started again has a new one.
type Where struct{ Node, Incarnation int }

// Unsure is the life of a node that was started again while it answered.
const Unsure = -1

// Nowhere is the node of what no node has answered, and the client of what no client has asked.
const Nowhere = -1

// Span is when a request was made, and when its answer was there, since the recorder began.
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

// Outcome is what a client knows of a write.
type Outcome int

// The outcomes. Only after Unknown the change may or may not have been made.
const (
	Unknown    Outcome = iota
	Done               // acknowledged
	Refused            // a rule forbids it: see Write.Refusal
	NotWritten         // the server says that nothing was written
)

func (o Outcome) String() string {
	return [...]string{"unknown", "done", "refused", "not written"}[o]
}

// Refusal says which rule forbade a write.
type Refusal int

// The refusals.
const (
	NotFound Refusal = iota + 1
	Gone
	Conflict   // another version than the one expected
	NotDeleted // only what is deleted can be restored
)

func (r Refusal) String() string {
	return [...]string{"", "not found", "deleted", "version conflict", "not deleted"}[r]
}

// Write is one change that a client asked for.
type Write struct {
	Where
	Span
	// ID is in the value of the event that follows, or in its reason, and in no other event's.
	ID     string
	Client int
	// Tries is how often it was sent. More than once only with an idempotency key.
	Tries    int
	Kind     Kind
	Name     string
	Value    string // as [history.Digest] makes it; "" of a deletion
	Expected *int   // the version that the config must have; nil: any
	// Set names the writes that were made together, and so are one change set; "" for one that is alone.
	Set string

	Outcome Outcome
	// Refusal and Version are of the answer. After a refusal the version is the present one.
	Refusal  Refusal
	Version  int
	Position Position
	// Status is what the answer said, for people.
	Status string
	// Failures are the tries without a whole answer.
	Failures []Failure
}

// Failure is a request without a whole answer.
type Failure struct {
	Node    int
	Request string // the id of the request
	Timeout bool   // the client had no more patience
}

func (w *Write) String() string {
	text := fmt.Sprintf("%s: %s of %q on node %d (%s", w.ID, w.Kind, w.Name, w.Node, w.Outcome)
	if w.Outcome == Done {
		text += " at " + w.Position.String()
	}
	return text + ", " + w.Status + ")"
}

// Read is one answer about the present.
type Read struct {
	Where
	Span
	Client int
	// Name is the config that was asked for; "" when all below Prefix were.
	Name, Prefix string
	Position     Position
	// Found, Version and Value are of the one config.
	Found   bool
	Version int
	Value   string
	// Values are those of all configs below Prefix.
	Values map[string]string // :: name → value
	// AtLeast is a position that the answer must not be older than: one that the client asked for, or has heard of on a
	// stream of that very server.
	AtLeast int64
	// AtLeastHash is the hash of that position; "": it is that of any history.
	AtLeastHash string
	// Past tells that the client asked for this very position, or for all that led to it: nothing
	// follows about the present.
	Past bool
	// History are all changes of the one config up to the position, oldest first. nil: the client
	// did not ask for them.
	History []Revision
	// Final tells that the answer is of the end of the round.
	Final bool
	// Linearizable tells that the client asked for nothing older than what was acknowledged before.
	Linearizable bool
}

// Revision is one change in the history of a config.
type Revision struct {
	Position Position
	Version  int
	Type     string // as the column type has it
	Value    string // "" of a deletion
}

// Change is one change in a message of a stream.
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

// Stream is all that one subscriber was told, over however many connections.
type Stream struct {
	Name, Prefix string
	// After is where it began; nil: wherever the history was.
	After    *Position
	Messages []Message
	// Connections is how many there were.
	Connections int
	// Refused tells that the stream ended because its last position was refused as unknown.
	Refused bool
	// Faults are what no stream may say or do.
	Faults []string
}

// Last is the position of the newest message, or where the stream began; nil when it has not begun.
func (s *Stream) Last() *Position {
	if len(s.Messages) == 0 {
		return s.After
	}
	return &s.Messages[len(s.Messages)-1].Position
}

// Recorder takes what clients have seen. It may be used by many at once.
type Recorder struct {
	start time.Time

	mu     sync.Mutex // guards what is below
	writes []*Write
	reads  []*Read
}

// New returns an empty recorder, whose time begins now.
func New() *Recorder { return &Recorder{start: time.Now()} }

// Now is the time since the recorder began.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Write takes writes that were answered, or given up.
func (r *Recorder) Write(writes ...*Write) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, writes...)
}

// Read takes an answer.
func (r *Recorder) Read(read *Read) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = append(r.reads, read)
}

// Writes are all writes so far.
func (r *Recorder) Writes() []*Write {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writes
}

// Reads are all reads so far.
func (r *Recorder) Reads() []*Read {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads
}
