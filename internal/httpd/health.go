package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// The texts that the health routes report. Texts of errors are for the log only: they may contain
// addresses or SQL.
const (
	healthy      = "ok"
	starting     = "it has not read its history yet"
	beginning    = "its first token is not issued yet"
	unreachable  = "it cannot be reached"
	tooSlow      = "it does not answer in time"
	rebuilding   = "its history is not the one that this server had applied, and is being read again"
	lostTail     = "its history ends before what this server has applied"
	diverged     = "its history is not the one that this server has applied"
	behind       = "new events cannot be read"
	tooFarBehind = "new events are not applied in time"
	superseded   = "the database is a primary that a failover has replaced; stop it"
	refusing     = "nothing can be written"
	replaced     = "its file was removed or replaced; put it back, or restart the server"
)

// health serves the health routes.
type health struct {
	server *Server
	store  *configstore.Store
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex // guards logged
	logged string     // the problem that was logged last, "" for none
}

func newHealth(s *Server) *health {
	return &health{server: s, store: s.opts.Store, now: s.opts.Now, log: s.opts.Log}
}

// checks has [healthy], or the problem, of each part of the server.
type checks struct {
	EventStore string `json:"eventstore"` // the history is the one that was applied
	Projection string `json:"projection"` // events are applied as they are written
	Database   string `json:"database"`   // the database answers
}

// lag is how far this server is behind the history.
type lag struct {
	Positions int64   `json:"positions"`
	Seconds   float64 `json:"seconds"` // since it last had all events
}

func lagOf(state configstore.Health) lag {
	return lag{state.Positions(), state.Lag.Round(time.Millisecond).Seconds()}
}

// clockText describes what is wrong with this server's clock, "" when nothing is.
func clockText(state configstore.Health) string {
	round := func(d time.Duration) time.Duration { return d.Abs().Round(100 * time.Millisecond) }
	word := "ahead of"
	if state.ClockOffset < 0 || state.ClockJump < 0 {
		word = "behind"
	}
	switch {
	case errors.Is(state.Writing, fault.ErrClockAhead):
		return fmt.Sprintf("this server's clock is %v ahead of the database's: writes are refused until it is set right", round(state.ClockOffset))
	case state.ClockOffset.Abs() > configstore.MaxClockOffset:
		return fmt.Sprintf("this server's clock is %v %s the database's: keep both by NTP", round(state.ClockOffset), word)
	case state.ClockJump != 0:
		return fmt.Sprintf("this server's clock was set and is %v %s what it was: keep it by NTP", round(state.ClockJump), word)
	case state.HeadAhead != 0:
		return fmt.Sprintf("the newest event is %v ahead of this server's clock: until then, a read at the present time shows the state before that event",
			round(state.HeadAhead))
	}
	return ""
}

// writesText describes why writes fail, "" when they do not.
func writesText(problem error) string {
	switch {
	case problem == nil:
		return ""
	case errors.Is(problem, eventstore.ErrSuperseded):
		return refusing + ": " + superseded
	case errors.Is(problem, eventstore.ErrReplaced):
		return refusing + ": " + replaced
	case errors.Is(problem, fault.ErrClockAhead):
		return refusing + ": the clock is too far ahead"
	}
	return refusing
}

// report serves /health: 200 when everything is healthy, else 503. Only callers who may read
// everything get the details.
func (h *health) report(w http.ResponseWriter, r *http.Request) {
	state := h.store.Health(r.Context())
	if r.Context().Err() != nil {
		// the client has closed the connection, which cancels the checks
		panic(http.ErrAbortHandler)
	}
	found := checksOf(state)
	h.logOnce(found, state)
	status, word := http.StatusOK, "healthy"
	if found != (checks{healthy, healthy, healthy}) || state.Writing != nil {
		status, word = http.StatusServiceUnavailable, "unhealthy"
	}
	report := healthReport{Status: word, Timestamp: config.FormatInstant(h.now())}
	if h.server.seesEverything(r) {
		report.healthDetails = &healthDetails{
			found, lagOf(state), state.Verified.String(), config.FormatInstant(h.store.RightsAsOf()), writesText(state.Writing), clockText(state),
			h.server.opts.AllowAnonymous && h.server.isOpen(r.Context()),
		}
	}
	body, _ := json.Marshal(report) // cannot fail for strings and numbers
	answer(w, status, "application/json", body)
}

// healthReport is what /health answers. Everyone gets the members that are not details.
type healthReport struct {
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
	*healthDetails
}

type healthDetails struct {
	Checks   checks `json:"checks"`
	Lag      lag    `json:"lag"`
	Verified string `json:"verified"`
	// RightsAsOf is the newest time up to which this server is known to have applied everything.
	// What ended later, it may not know.
	RightsAsOf string `json:"rights_as_of"`
	Writes     string `json:"writes,omitempty"`
	Clock      string `json:"clock,omitempty"`
	Open       bool   `json:"open,omitempty"` // everyone may do everything
}

// live serves /livez: 200 as long as the process can answer.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "text/plain; charset=utf-8", []byte("OK"))
}

// ready serves /readyz without a query to the store. It is 503 until the history is applied, when
// the projection has a permanent problem, and when the database file was replaced. It is 200 while
// the database is unreachable: this server can still serve reads, and so can every other one.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	state := h.store.LastHealth()
	if !isReady(h.store) || projection.Permanent(state.Projection) {
		notReady(w, reasonOf(state.Projection))
		return
	}
	if errors.Is(state.Writing, eventstore.ErrReplaced) {
		notReady(w, replaced)
		return
	}
	if !h.server.hasBegun() {
		notReady(w, beginning)
		return
	}
	text := "OK"
	if state.Lag > 0 {
		behind := lagOf(state)
		text = fmt.Sprintf("OK, %d positions and %.3f s behind", behind.Positions, behind.Seconds)
	}
	answer(w, http.StatusOK, "text/plain; charset=utf-8", []byte(text))
}

func checksOf(state configstore.Health) checks {
	found := checks{healthy, reasonOf(state.Projection), healthy}
	switch {
	case errors.Is(state.EventStore, context.DeadlineExceeded):
		found.EventStore, found.Database = tooSlow, tooSlow
	case errors.Is(state.EventStore, eventstore.ErrSuperseded):
		found.EventStore, found.Database = superseded, superseded
	case errors.Is(state.EventStore, eventstore.ErrReplaced):
		found.EventStore, found.Database = replaced, replaced
	case state.EventStore != nil:
		found.EventStore, found.Database = unreachable, unreachable
	case state.Head < state.Applied:
		found.EventStore = lostTail
	case errors.Is(state.Projection, projection.ErrDiverged):
		found.EventStore = diverged
	}
	return found
}

// reasonOf describes what stops the projection, [healthy] when nothing does.
func reasonOf(err error) string {
	var chain *eventstore.ChainError
	var unknown *config.UnknownEventError
	switch {
	case err == nil:
		return healthy
	case errors.Is(err, fault.ErrNotReady):
		return starting
	case errors.Is(err, fault.ErrRebuilding):
		return rebuilding
	case errors.Is(err, configstore.ErrBehind):
		return tooFarBehind
	case errors.As(err, &chain):
		return "the history is broken at position " + strconv.FormatInt(int64(chain.Seq), 10)
	case errors.As(err, &unknown):
		return fmt.Sprintf("an event is of type %q, schema version %d, which this program does not know", unknown.Type, unknown.SchemaVersion)
	case errors.Is(err, projection.ErrDiverged):
		return diverged
	}
	return behind
}

// logOnce logs when a problem begins, changes or ends, not at every probe.
func (h *health) logOnce(found checks, state configstore.Health) {
	problem := ""
	if found != (checks{healthy, healthy, healthy}) || state.Writing != nil {
		problem = fmt.Sprint(found, writesText(state.Writing))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if problem == h.logged {
		return
	}
	h.logged = problem
	if problem == "" {
		h.log.Info("the server is healthy again")
		return
	}
	h.log.Error("the server is unhealthy", "eventstore", state.EventStore, "projection", state.Projection, "writing", state.Writing,
		"applied", state.Applied, "head", state.Head, "lag", state.Lag)
}

func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when the client has closed the connection
}
