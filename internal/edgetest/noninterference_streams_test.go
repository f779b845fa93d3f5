package edgetest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// inbox keeps the messages of one stream until they are read.
type inbox struct {
	mu       sync.Mutex
	messages []json.RawMessage
	err      error // why there are no more
	news     chan struct{}
}

func newInbox() *inbox { return &inbox{news: make(chan struct{}, 1)} }

func (b *inbox) put(message json.RawMessage, err error) {
	b.mu.Lock()
	if err == nil {
		b.messages = append(b.messages, message)
	} else if b.err == nil {
		b.err = err
	}
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
}

var errSilent = fmt.Errorf("a stream had no message for %s", configstoretest.Patience)

// take waits for messages, and returns all that there are.
func (b *inbox) take() ([]json.RawMessage, error) {
	timeout := time.NewTimer(configstoretest.Patience)
	defer timeout.Stop()
	for {
		b.mu.Lock()
		got, err := b.messages, b.err
		b.messages = nil
		b.mu.Unlock()
		if len(got) > 0 {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-b.news:
		case <-timeout.C:
			return nil, errSilent
		}
	}
}

// rest returns what has come meanwhile.
func (b *inbox) rest() []json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.messages
}

// twinStream is a stream that the caller has open. A second one, of a caller that may read
// everything, asks for the same.
type twinStream struct {
	open  func(after string) (*inbox, func()) // begins the stream
	in    *inbox
	stop  func()
	at    string // the position up to which it was read
	name  string // of the config whose states it has, "" when it is one of changes
	known bool   // whether it had a message
}

// begin opens a stream, in place of another one when there are many.
func (s *twinServer) begin(dice *rand.Rand, name string, open func(secret, after string) (*inbox, func()), after string) string {
	stream := &twinStream{name: name, at: after, open: func(after string) (*inbox, func()) {
		_, stopOther := open(s.root, after)
		in, stop := open(s.secret, after)
		return in, func() { stop(); stopOther() }
	}}
	stream.in, stream.stop = stream.open(after)
	if slot := dice.IntN(4); slot >= len(s.streams) {
		s.streams = append(s.streams, stream)
	} else {
		s.endStream(s.streams[slot])
		s.streams[slot] = stream
	}
	return s.read(stream)
}

// endStream ends a stream. One of a name that the caller may not read has had a single message.
func (s *twinServer) endStream(stream *twinStream) {
	stream.stop()
	if rest := stream.in.rest(); stream.name != "" && !s.mayRead(stream.name) && len(rest) > 0 {
		s.T.Fatalf("seed %d, operation %d: a stream of %s has %s, though nothing changed", s.Seed, s.Step, stream.name, rest)
	}
}

func (s *twinServer) endStreams() {
	for _, stream := range s.streams {
		s.endStream(stream)
	}
	for _, socket := range s.sockets {
		socket.Close()
	}
}

// doStream opens a stream of changes on one of the edges.
func (s *twinServer) doStream(dice *rand.Rand) string {
	filter, after := s.drawFilter(dice), s.drawStart(dice)
	if dice.IntN(3) == 0 {
		after = ""
	}
	// Without what has to be looked up, messages are encoded in a way of their own.
	fields := pick(dice, streamedFields, `{config{id} `+changeFields+`}`)
	query := `subscription($filter:ConfigFilterInput,$after:Position){configChanges(filter:$filter,after:$after){position changes` + fields + `}}`
	open := pick(dice, s.overREST, s.overSSE(query), s.overSocket(query))
	return s.begin(dice, "", func(secret, after string) (*inbox, func()) {
		variables := object{"filter": filter}
		if after != "" {
			variables["after"] = after
		}
		return open(secret, variables)
	}, after)
}

// drawStart draws the text of a position after which a stream of the caller can begin. One of
// before its READ has changed is refused, also a hidden one.
func (s *twinServer) drawStart(dice *rand.Rand) string {
	at := s.DrawPosition(dice)
	if at.Seq >= s.since.Seq {
		return at.String()
	}
	caller, err := s.Store.Authenticate(context.Background(), s.secret)
	s.Must(err)
	if _, err := s.Store.Watch(context.Background(), caller, config.Filter{}, &at); at.Seq > 0 && !errors.Is(err, auth.ErrChanged) {
		s.T.Fatalf("seed %d, operation %d: a stream from before the caller's READ has changed: got %v", s.Seed, s.Step, err)
	}
	return s.since.String()
}

// doWatchConfig opens a stream of the states of one config.
func (s *twinServer) doWatchConfig(dice *rand.Rand) string {
	name := s.drawName(dice)
	const query = `subscription($name:ConfigName!){config(name:$name)` + configFields + `}`
	open := pick(dice, s.overSSE(query), s.overSocket(query))
	return s.begin(dice, name, func(secret, _ string) (*inbox, func()) { return open(secret, object{"name": name}) }, "")
}

func (s *twinServer) doPoll(dice *rand.Rand) string {
	if slot := dice.IntN(4); slot < len(s.streams) {
		return s.read(s.streams[slot])
	}
	return ""
}

// doResume opens a stream again, from where it was read.
func (s *twinServer) doResume(dice *rand.Rand) string {
	slot := dice.IntN(4)
	if slot >= len(s.streams) {
		return ""
	}
	stream := s.streams[slot]
	before := s.read(stream)
	s.endStream(stream)
	stream.known = false
	stream.in, stream.stop = stream.open(stream.at)
	return before + s.read(stream)
}

// presentConfig is the config as it is when a message is made.
var presentConfig = regexp.MustCompile(`"config":(null|\{"id":"[^"]*"\}),`)

// read reads a stream up to the head.
func (s *twinServer) read(stream *twinStream) string {
	if stream.name != "" {
		return s.readStates(stream)
	}
	var text strings.Builder
	for head := s.reader().Head().Seq; ; {
		if at, err := eventstore.ParsePosition(stream.at); err == nil && at.Seq >= head {
			return fmt.Sprint(text.String(), "to ", s.position(stream.at))
		}
		messages, err := stream.in.take()
		s.Must(err)
		for _, message := range messages {
			var batch struct {
				Changes  json.RawMessage
				Position string
			}
			s.Must(json.Unmarshal(message, &batch))
			if batch.Position == "" {
				s.T.Fatalf("seed %d, operation %d: a stream has %s", s.Seed, s.Step, message)
			}
			text.WriteString(presentConfig.ReplaceAllString(s.elements(string(batch.Changes)), ""))
			stream.at = batch.Position
		}
	}
}

// readStates reads a stream of the states of a config, up to the present one. It may miss others.
func (s *twinServer) readStates(stream *twinStream) string {
	want := "null"
	name := configstoretest.Name(s.T, stream.name)
	state := s.reader().State(name)
	if state != nil && state.Exists() {
		want = fmt.Sprintf(`"position":%q`, state.Position())
	}
	if stream.at != want || !stream.known {
		for last := ""; !strings.Contains(last, want); {
			messages, err := stream.in.take()
			s.Must(err)
			last = string(messages[len(messages)-1])
			stream.known = true
		}
		stream.at = want
	}
	return s.canonical(want)
}

// overREST opens a stream of changes at /events.
func (s *twinServer) overREST(secret string, variables object) (*inbox, func()) {
	query := url.Values{}
	filter := variables["filter"].(object)
	if prefix, given := filter["prefix"].(string); given {
		query.Set("prefix", prefix)
	}
	if after, given := variables["after"].(string); given {
		query.Set("after", after)
	}
	return s.follow(secret, "GET /events?"+query.Encode(), "", wholeOf)
}

// overSSE opens a subscription as an event stream.
func (s *twinServer) overSSE(query string) func(secret string, variables object) (*inbox, func()) {
	return func(secret string, variables object) (*inbox, func()) {
		return s.follow(secret, "POST /graphql", mustMarshal(object{"query": query, "variables": variables}), fieldOf)
	}
}

func wholeOf(answer []byte) (json.RawMessage, error) { return answer, nil }

// fieldOf returns the only field of an answer.
func fieldOf(answer []byte) (json.RawMessage, error) {
	var message struct {
		Data   map[string]json.RawMessage
		Errors json.RawMessage
	}
	if err := json.Unmarshal(answer, &message); err != nil || message.Errors != nil {
		return nil, fmt.Errorf("a stream has %s: %w", answer, err)
	}
	for _, field := range message.Data {
		return field, nil
	}
	return nil, fmt.Errorf("a stream has %s", answer)
}

// follow reads an event stream into an inbox until it is stopped.
func (s *twinServer) follow(secret, line, body string, parse func([]byte) (json.RawMessage, error)) (*inbox, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	r := s.request(ctx, s.T, line, strings.NewReader(body), append(bearer(secret), "Content-Type", jsonType, "Accept", stream)...)
	in, done := newInbox(), make(chan struct{})
	response, err := s.Client().Do(r)
	s.Must(err)
	go func() {
		defer close(done)
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data:"); is && strings.TrimSpace(data) != "" {
				in.put(parse([]byte(data)))
			}
		}
		in.put(nil, fmt.Errorf("the stream has ended: %d %v", response.StatusCode, lines.Err()))
	}()
	return in, func() { cancel(); <-done }
}
