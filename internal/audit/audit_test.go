package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"configapi/internal/audit"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// change returns the n-th revision of a config whose values must not be in a log.
func change(t testing.TB, n int, e config.EventType, actor, reason *string) *eventstore.Revision {
	t.Helper()
	name, err := config.ParseName("payments/timeout")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := config.ParseValue("secret", 10)
	if err != nil {
		t.Fatal(err)
	}
	return &eventstore.Revision{
		Event: config.Event{Type: e, Name: name, Version: config.Version(n), Value: secret, OldValue: secret},
		Seq:   eventstore.Seq(n), Hash: eventstore.Hash{0xab, 0xcd, 1, 2}, Actor: actor, Reason: reason,
	}
}

func text(s string) *string { return &s }

// asJSON and asText log without times, so that lines can be compared.
func asJSON(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, withoutTime)) }
func asText(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, withoutTime)) }

var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

// drain runs a log whose ctx has ended, which writes what is queued, and returns its lines.
func drain(t testing.TB, log *audit.Log, out *bytes.Buffer) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(out.String()))
}

func TestLines(t *testing.T) {
	for _, test := range []struct {
		change *eventstore.Revision
		json   string
		text   string
	}{
		{
			change(t, 1, config.ValueSet, nil, nil),
			`"name":"payments/timeout","operation":"CREATED","version":1,"position":"1-abcd0102","actor":null,"reason":null}`,
			`name=payments/timeout operation=CREATED version=1 position=1-abcd0102 actor=<nil> reason=<nil>`,
		},
		{
			change(t, 2, config.ValueSet, text("ann"), text("")),
			`"name":"payments/timeout","operation":"UPDATED","version":2,"position":"2-abcd0102","actor":"ann","reason":""}`,
			`name=payments/timeout operation=UPDATED version=2 position=2-abcd0102 actor=ann reason=""`,
		},
		{
			change(t, 3, config.ValueDeleted, text("<nil>"), text("null")),
			`"name":"payments/timeout","operation":"DELETED","version":3,"position":"3-abcd0102","actor":"<nil>","reason":"null"}`,
			`name=payments/timeout operation=DELETED version=3 position=3-abcd0102 actor=<nil> reason=null`,
		},
		{
			change(t, 4, config.ValueRestored, text("a\r\nb"), text("one\ntwo\r\u2028three\u2029four\x1b[2Jfive\" level=ERROR")),
			`"name":"payments/timeout","operation":"RESTORED","version":4,"position":"4-abcd0102","actor":"a\r\nb","reason":"one\ntwo\r\u2028three\u2029four\u001b[2Jfive\" level=ERROR"}`,
			`name=payments/timeout operation=RESTORED version=4 position=4-abcd0102 actor="a\r\nb" reason="one\ntwo\r\u2028three\u2029four\x1b[2Jfive\" level=ERROR"`,
		},
	} {
		for _, format := range []struct {
			logger func(io.Writer) *slog.Logger
			want   string
		}{
			{asJSON, `{"level":"INFO","msg":"config changed",` + test.json + "\n"},
			{asText, `level=INFO msg="config changed" ` + test.text + "\n"},
		} {
			var out bytes.Buffer
			log := audit.New(format.logger(&out), audit.Options{})
			log.Record(test.change)
			if got := drain(t, log, &out); !slices.Equal(got, []string{format.want}) {
				t.Errorf("got  %swant %s", got, format.want)
			}
			if strings.Contains(out.String(), "secret") {
				t.Errorf("a value is in the log: %s", &out)
			}
		}
	}
}

func TestLinesComeInOrderWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := audit.New(asJSON(&out), audit.Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- log.Run(ctx) }()
		const changes = 1000
		for n := range changes / 2 {
			log.Record(change(t, n+1, config.ValueSet, nil, nil))
		}
		synctest.Wait()
		if got := strings.Count(out.String(), "\n"); got != changes/2 {
			t.Errorf("%d lines are written, want %d", got, changes/2)
		}
		for n := range changes / 2 {
			log.Record(change(t, changes/2+n+1, config.ValueSet, nil, nil))
		}
		stop() // queued lines are written all the same
		if err := <-done; err != nil {
			t.Error(err)
		}
		n := 0
		for line := range strings.Lines(out.String()) {
			var got struct{ Version int }
			if err := json.Unmarshal([]byte(line), &got); err != nil || got.Version != n+1 {
				t.Fatalf("line %d: got version %d, %v", n, got.Version, err)
			}
			n++
		}
		if n != changes || log.Dropped() != 0 {
			t.Errorf("%d lines, %d dropped, want all of %d", n, log.Dropped(), changes)
		}
	})
}

// stopped is an output that takes a line only when the test says so.
type stopped struct {
	bytes.Buffer
	lines chan struct{}
}

func (s *stopped) Write(p []byte) (int, error) {
	<-s.lines
	return s.Buffer.Write(p)
}

func dropped(n, all int) string {
	return fmt.Sprintf(`{"level":"WARN","msg":"audit lines dropped: the queue was full","dropped":%d,"dropped_since_start":%d}`+"\n", n, all)
}

// TestFullQueue has an output that takes no lines while changes go on: no change waits for it, and
// dropped lines are reported.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stopped{lines: make(chan struct{})}
		log := audit.New(asJSON(out), audit.Options{Queue: 3})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- log.Run(ctx) }()
		record := func(from, to int) {
			for n := from; n <= to; n++ {
				log.Record(change(t, n, config.ValueSet, nil, nil))
			}
			synctest.Wait()
		}
		record(1, 1) // is being written
		record(2, 6) // three are queued, two are dropped
		if got := log.Dropped(); got != 2 {
			t.Errorf("Dropped() = %d, want 2", got)
		}
		for range 2 { // 1 and 2 are written, 3 is being written; the queue is never empty
			out.lines <- struct{}{}
			synctest.Wait()
		}
		record(7, 10) // two more are queued, two more are dropped
		for range 2 { // 3 is written, and after three lines the dropped ones are reported
			out.lines <- struct{}{}
			synctest.Wait()
		}
		if !strings.Contains(out.String(), dropped(4, 4)) {
			t.Errorf("the queue is never empty, and the log does not say that 4 lines were dropped:\n%s", out)
		}
		record(11, 11)
		close(out.lines)
		synctest.Wait()
		record(12, 12)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var reports []string
		written := 0
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "WARN") {
				reports = append(reports, line)
			} else {
				written++
			}
		}
		if want := 12 - int(log.Dropped()); written != want {
			t.Errorf("%d lines, want %d", written, want)
		}
		if want := dropped(4, 4); len(reports) != 1 || reports[0] != want {
			t.Errorf("reports: %swant %s", reports, want)
		}
	})
}

// TestDroppedLinesAreReportedAtTheEnd has lines dropped before Run is called for the last time.
func TestDroppedLinesAreReportedAtTheEnd(t *testing.T) {
	var out bytes.Buffer
	log := audit.New(asJSON(&out), audit.Options{Queue: 2})
	for n := range 5 {
		log.Record(change(t, n+1, config.ValueSet, nil, nil))
	}
	lines := drain(t, log, &out)
	if len(lines) != 3 || lines[2] != dropped(3, 3) {
		t.Errorf("got %s, want two lines, then that 3 were dropped", lines)
	}
}

func TestNegativeQueuePanics(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "negative") {
			t.Errorf("got the panic %q, want one that says what is negative", text)
		}
	}()
	audit.New(asJSON(new(bytes.Buffer)), audit.Options{Queue: -1})
}

// TestTokenLines has the event of a token: its line has the name of its stream and its type.
func TestTokenLines(t *testing.T) {
	var out bytes.Buffer
	log := audit.New(asJSON(&out), audit.Options{})
	log.Record(&eventstore.Revision{
		Stream: &config.StreamEvent{Type: "TokenIssued", Stream: "$token/ci", Version: 1, Content: "secret"},
		Seq:    7, Hash: eventstore.Hash{0xab, 0xcd, 1, 2}, Actor: text("local"),
	})
	const want = `{"level":"INFO","msg":"token changed","name":"$token/ci","operation":"TokenIssued","version":1,"position":"7-abcd0102","actor":"local","reason":null}` + "\n"
	if got := drain(t, log, &out); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
}
