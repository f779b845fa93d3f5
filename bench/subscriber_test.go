package main

import (
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"configapi/internal/websockettest"
)

// next returns a frame with a message of the stream.
func next(payload string) []byte {
	return serverFrame(0x81, `{"id":"1","type":"next","payload":`+payload+`}`)
}

// subscribed returns one of so many subscribers. Its stream begins at position 41, and changes 0 to
// 9 are written.
func subscribed(t *testing.T, subscribers int) *subscriber {
	t.Helper()
	s := &subscriber{tally: newTally(subscribers), streams: make([]stream, 1)}
	for range 10 {
		s.tally.announce()
	}
	for _, step := range []struct{ come, send string }{
		{"HTTP/1.1 101 Switching Protocols\r\nUpgr", ""},
		{"ade: websocket\r\n\r\n", initMessage},
		{string(serverFrame(0x81, `{"type":"connection_ack"}`)), subscribeMessage(1)},
		{string(next(batchText(41))), ""},
	} {
		sent, err := s.receive([]byte(step.come), time.Now())
		want := ""
		if step.send != "" {
			want = string(websockettest.Encode(websockettest.TextFrame(step.send)))
		}
		if err != nil || string(sent) != want {
			t.Fatalf("after %q: sent %q, %v, want %q", step.come, sent, err, want)
		}
	}
	return s
}

func TestSubscriberCountsChanges(t *testing.T) {
	s := subscribed(t, 1)
	for _, payload := range []string{
		batchText(42, changeText(0, 42)),
		batchText(44, changeText(2, 43), changeText(1, 44)),
		batchText(44), // a position only
	} {
		if _, err := s.receive(next(payload), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, complete, _ := s.tally.progress(); complete != 3 || s.tally.delivered() != 3 {
		t.Errorf("got %d complete of %d, want 3", complete, s.tally.delivered())
	}
}

func TestSubscriberAnswersPings(t *testing.T) {
	s := subscribed(t, 1)
	for come, want := range map[string]string{
		string(serverFrame(0x81, `{"type":"ping"}`)): string(websockettest.Encode(websockettest.TextFrame(pongMessage))),
		string(serverFrame(0x89, "beat")):            string(websockettest.Encode(websockettest.Frame{First: 0x8a, Payload: "beat"})),
		string(serverFrame(0x81, `{"type":"pong"}`)): "",
	} {
		if sent, err := s.receive([]byte(come), time.Now()); err != nil || string(sent) != want {
			t.Errorf("after %q: got %q, %v, want %q", come, sent, err, want)
		}
	}
}

func TestSubscriberNoticesWhatMustNotHappen(t *testing.T) {
	for name, test := range map[string]struct {
		come []byte
		want string
	}{
		"a change lost":                 {next(batchText(43, changeText(0, 43))), "43 came after 41"},
		"a change lost at the end":      {next(batchText(43, changeText(0, 42))), "at 43, but the last change was 42"},
		"a change lost, but for that":   {next(batchText(42)), "at 42, but the last change was 41"},
		"a change twice":                {next(batchText(42, changeText(0, 42), changeText(0, 42))), "42 came after 42"},
		"a change out of order":         {next(batchText(43, changeText(0, 43), changeText(1, 42))), "43 came after 41"},
		"a change that was not written": {next(batchText(42, changeText(10, 42))), "never written"},
		"an error":                      {serverFrame(0x81, `{"id":"1","type":"error","payload":[]}`), "unexpected message"},
		"the end":                       {serverFrame(0x81, `{"id":"1","type":"complete"}`), "unexpected message"},
		"data that are missing":         {next(`{"errors":[],"data":null}`), "unexpected message"},
		"a close frame":                 {serverFrame(0x88, "\x03\xf4later"), "opcode 8"},
	} {
		if _, err := subscribed(t, 2).receive(test.come, time.Now()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestStreamsOfOneConnectionAreCheckedOnTheirOwn(t *testing.T) {
	s := &subscriber{tally: newTally(2), streams: make([]stream, 2)}
	s.tally.announce()
	var sent string
	receive := func(data []byte) error {
		out, err := s.receive(data, time.Now())
		sent = string(out)
		return err
	}
	message := func(id, payload string) []byte {
		return serverFrame(0x81, `{"id":"`+id+`","type":"next","payload":`+payload+`}`)
	}
	if err := receive([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := receive(message("1", batchText(41))); err == nil || !strings.Contains(err.Error(), "before anything") {
		t.Errorf("got %v for a stream that was not asked for", err)
	}
	if err := receive(serverFrame(0x81, `{"type":"connection_ack"}`)); err != nil {
		t.Fatal(err)
	}
	asked := append(websockettest.Encode(websockettest.TextFrame(subscribeMessage(1))), websockettest.Encode(websockettest.TextFrame(subscribeMessage(2)))...)
	if sent != string(asked) {
		t.Fatalf("sent %q, want two subscriptions", sent)
	}
	for _, step := range []struct {
		come []byte
		live bool
	}{
		{message("2", batchText(41)), false},
		{message("2", batchText(42, changeText(0, 42))), false},
		{message("1", batchText(41)), true},
		{message("1", batchText(42, changeText(0, 42))), true},
	} {
		if err := receive(step.come); err != nil || (s.state == live) != step.live {
			t.Fatalf("after %q: state %v, %v", step.come, s.state, err)
		}
	}
	if _, complete, _ := s.tally.progress(); complete != 1 {
		t.Errorf("got %d complete changes, want 1", complete)
	}
	for _, id := range []string{"0", "3", "x"} {
		if err := receive(message(id, batchText(42))); err == nil || !strings.Contains(err.Error(), "of no stream") {
			t.Errorf("id %q: got %v", id, err)
		}
	}
}

func TestRefusedUpgradeIsAnError(t *testing.T) {
	s := &subscriber{tally: newTally(1)}
	if _, err := s.receive([]byte("HTTP/1.1 503 Service Unavailable\r\n\r\n"), time.Now()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v, want the status", err)
	}
}

func TestWatcherNoticesWhatMustNotHappen(t *testing.T) {
	put := func(change, revision int) *mvccpb.Event {
		value := newTemplate(valuePattern(64)).fill(0, change)
		return &mvccpb.Event{Kv: &mvccpb.KeyValue{Value: value, ModRevision: int64(revision)}}
	}
	w := etcdWatchers{tally: newTally(1)}
	w.tally.announce()
	w.tally.announce()
	if got, err := w.deliver(put(0, 8), 7, time.Now()); err != nil || got != 8 {
		t.Fatalf("got %d, %v, want 8", got, err)
	}
	deletion := put(1, 9)
	deletion.Type = mvccpb.Event_DELETE
	for want, event := range map[string]*mvccpb.Event{
		"10 came after 8":                put(1, 10),
		"8 came after 8":                 put(0, 8),
		"DELETE of revision 9":           deletion,
		"change 2 was never written":     put(2, 9),
		"as revision 8 and as 9":         put(0, 9),
		"value that does not begin with": {Kv: &mvccpb.KeyValue{Value: []byte("something else"), ModRevision: 9}},
	} {
		if got, err := w.deliver(event, 8, time.Now()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %d, %v, want %q", got, err, want)
		}
	}
}

// serverFrame returns an unmasked frame.
func serverFrame(first byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{first, byte(n)}, payload...)
	case n < 1<<16:
		return append([]byte{first, 126, byte(n >> 8), byte(n)}, payload...)
	default:
		return append([]byte{first, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	}
}
