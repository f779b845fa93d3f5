package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/audit"
)

// runRefusals runs a log of refusals in a bubble, has it stopped at the end of the test, and then
// returns its lines.
func runRefusals(t *testing.T, record func(*audit.Refusals)) (lines []map[string]any) {
	t.Helper()
	var out bytes.Buffer
	refusals := audit.NewRefusals(slog.New(slog.NewJSONHandler(&out, nil)))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- refusals.Run(ctx) }()
	record(refusals)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(out.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestLineOfARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := runRefusals(t, func(r *audit.Refusals) {
			r.Record(audit.Refusal{Why: "no token", Remote: "203.0.113.1:5"})
			r.Record(audit.Refusal{Why: "no right", Actor: "ci", PublicID: "abc", Remote: "203.0.113.1", RequestID: "x-1"})
		})
		for i, want := range []map[string]any{
			{"msg": "caller refused", "level": "INFO", "why": "no token", "remote": "203.0.113.1:5"},
			{"msg": "caller refused", "level": "INFO", "why": "no right", "actor": "ci", "public_id": "abc", "remote": "203.0.113.1", "request_id": "x-1"},
		} {
			delete(lines[i], "time")
			if got := fmt.Sprint(lines[i]); got != fmt.Sprint(want) {
				t.Errorf("got %s, want %v", got, want)
			}
		}
	})
}

// TestRefusalsAreSampled has many refusals in one second, and then one more a second.
func TestRefusalsAreSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 3500
		lines := runRefusals(t, func(r *audit.Refusals) {
			for i := range many {
				r.Record(audit.Refusal{Why: fmt.Sprint(i + 1)})
			}
			synctest.Wait()
			time.Sleep(time.Second)
			r.Record(audit.Refusal{Why: "later"})
			for range 30 {
				r.Record(audit.Refusal{Why: "again"})
			}
		})
		var got []string
		total := 0
		for _, line := range lines {
			leftOut, _ := line["left_out"].(float64)
			why, is := line["why"].(string)
			if total += int(leftOut); is {
				total++
			}
			got = append(got, fmt.Sprintf("%s-%v", why, leftOut))
		}
		want := "1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0 9-0 10-0 1000-989 2000-999 3000-999 later-500" + strings.Repeat(" again-0", 9) + " -21"
		if got := strings.Join(got, " "); got != want {
			t.Errorf("got the lines %s, want %s", got, want)
		}
		if total != many+31 {
			t.Errorf("the lines speak of %d refusals, want %d", total, many+31)
		}
	})
}

// TestRefusalsWithoutALineAreReported: their number comes also when no refusal follows.
func TestRefusalsWithoutALineAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var before time.Time
		lines := runRefusals(t, func(r *audit.Refusals) {
			for range 100 {
				r.Record(audit.Refusal{})
			}
			time.Sleep(time.Minute)
			before = time.Now()
		})
		last := lines[len(lines)-1]
		at, err := time.Parse(time.RFC3339Nano, last["time"].(string))
		if err != nil || len(lines) != 11 || last["left_out"] != 90.0 || before.Sub(at) < 50*time.Second {
			t.Errorf("got %d lines, the last one is %v, %v", len(lines), last, err)
		}
	})
}

// TestRefusalsNeverBlock has a log that takes no line, and changes that are logged beside it.
func TestRefusalsNeverBlock(t *testing.T) {
	var refused bytes.Buffer
	refusals := audit.NewRefusals(asJSON(&refused))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 100_000 {
				refusals.Record(audit.Refusal{})
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := refusals.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(refused.String(), "\n"); lines < 10 || lines > 1001 {
		t.Errorf("got %d lines, want those that the queue holds at most, and one more", lines)
	}
	var none *audit.Refusals
	none.Record(audit.Refusal{})
}
