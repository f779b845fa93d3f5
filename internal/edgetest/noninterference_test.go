package edgetest_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

// TestNoninterference has one caller with a token send the same random requests to two servers. One
// of them also has changes of tokens, and of names that the caller may not read. Every answer must
// be the same from both, headers included, where a position stands for how many other changes there
// were up to it, and a page or a message may be shorter. CONFIGAPI_SEED repeats a run,
// CONFIGAPI_OPERATIONS sets its length.
func TestNoninterference(t *testing.T) {
	t.Parallel()
	for kind, open := range stores {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			operations := slowtest.Rounds(250, 1_000)
			if kind == "memory" {
				operations = slowtest.Rounds(500, 2_000)
			}
			configstoretest.RunTwinOperations(t, operations, func(t *testing.T, operations int) {
				runTwinServers(t, func(testing.TB) eventstore.Store { return open(t) }, operations)
			})
		})
	}
}

// runTwinServers carries out operations on two servers, and compares the answers.
func runTwinServers(t *testing.T, open func(testing.TB) eventstore.Store, operations int) {
	both := configstoretest.NewTwins(t, open, configstore.Options{PositionWait: configstore.MaxPositionWait})
	plain, busy := newTwinServer(t, both.Plain), newTwinServer(t, both.Busy)
	for n := range operations {
		if n == operations/2 {
			lost := both.Shrink()
			plain.shrink(lost)
			busy.shrink(lost)
		}
		op := twinServerOps[both.Dice.IntN(len(twinServerOps))]
		plainDice, busyDice := both.Next()
		both.MustBeEqual(op.name, op.do(plain, plainDice), op.do(busy, busyDice))
	}
	plain.endStreams()
	busy.endStreams()
}

// twinServerOps are the things that the caller does. Each returns its answers as a text.
var twinServerOps = []struct {
	name string
	do   func(*twinServer, *rand.Rand) string
}{
	{"GET", (*twinServer).doGet},
	{"GET", (*twinServer).doGet},
	{"GET a list", (*twinServer).doList},
	{"pages over REST", (*twinServer).doPages},
	{"pages over REST", (*twinServer).doPages},
	{"a single change over REST", (*twinServer).doSingle},
	{"a single change over REST", (*twinServer).doSingle},
	{"a change set over REST", (*twinServer).doSet},
	{"a change set over REST", (*twinServer).doSet},
	{"a revert over REST", (*twinServer).doRevert},
	{"an undo over REST", (*twinServer).doUndo},
	{"a write again", (*twinServer).doAgain},
	{"tokens over REST", (*twinServer).doTokens},
	{"pages over GraphQL", (*twinServer).doConnection},
	{"pages over GraphQL", (*twinServer).doConnection},
	{"a random query", (*twinServer).doQuery},
	{"a random query", (*twinServer).doQuery},
	{"a random query", (*twinServer).doQuery},
	{"changes over GraphQL", (*twinServer).doChanges},
	{"configs by name", (*twinServer).doLookup},
	{"a node", (*twinServer).doNode},
	{"a mutation", (*twinServer).doMutation},
	{"a mutation", (*twinServer).doMutation},
	{"a mutation", (*twinServer).doMutation},
	{"open a stream", (*twinServer).doStream},
	{"read a stream", (*twinServer).doPoll},
	{"read a stream", (*twinServer).doPoll},
	{"resume a stream", (*twinServer).doResume},
	{"watch a config", (*twinServer).doWatchConfig},
}

// twinServer is one of two servers, with what the caller keeps of it.
type twinServer struct {
	*configstoretest.Twin
	*guarded
	secret  string // of the caller
	root    string // of another one, that may do everything
	sockets map[string]*twinSocket
	streams []*twinStream
	last    *twinRequest        // the last write, nil: none
	made    eventstore.Position // the last set that was written for the caller
	ranks   map[string]int      // :: digits of a hash → rank
	cursors []string            // of answers
	issued  int                 // how many tokens were made by the caller
	since   eventstore.Position // of the newest change of what the caller may read, zero: there was none
}

func newTwinServer(t *testing.T, twin *configstoretest.Twin) *twinServer {
	s := &twinServer{Twin: twin, guarded: newGuarded(t), sockets: make(map[string]*twinSocket), ranks: make(map[string]int)}
	s.serve(t, twin.Store, nil)
	// The caller's token comes first, so that its streams may begin at all positions.
	for _, of := range []struct {
		name   string
		grants *auth.Grants
		secret *string
	}{{"caller", s.granted(), &s.secret}, {"root", auth.Everything, &s.root}} {
		made, err := s.Store.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: configstoretest.TokenName(t, of.name), Grants: of.grants}, config.Reason{})
		s.Must(err)
		*of.secret = made.Secret
	}
	s.CatchUp()
	return s
}

// granted returns the grants of the caller's token, which has one at least.
func (s *twinServer) granted() *auth.Grants {
	grants, err := auth.NewGrants(append(slices.Clone(s.Caller.Grants.List()), auth.Grant{Actions: []auth.Action{auth.Read}, Prefix: "none"})...)
	s.Must(err)
	return grants
}

// twinRequest is a request to a server. headers has names and values in turn.
type twinRequest struct {
	line, body string
	headers    []string
}

// answer sends a request of the caller, and returns the answer as a text.
func (s *twinServer) answer(r twinRequest) string {
	response, body := s.exchange(r)
	return s.text(r, response, body)
}

func (s *twinServer) exchange(r twinRequest) (*http.Response, string) {
	response, body := s.send(s.T, s.secret, r.line, r.body, append(r.headers, "X-Request-Id", "the-id")...)
	s.CatchUp()
	return response, body
}

// write sends a request that may change something, and notes it.
func (s *twinServer) write(r twinRequest) string {
	s.last = &r
	before := len(s.Own)
	text := s.answer(r)
	if len(s.Own) > before {
		s.made = s.Newest()
	}
	return text
}

// doAgain sends the last write again.
func (s *twinServer) doAgain(*rand.Rand) string {
	if s.last == nil {
		return ""
	}
	return s.answer(*s.last)
}
