package configstoretest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Twin is one of two stores, and what their caller can know of its positions.
type Twin struct {
	*Twins
	Store *Store
	// Own are the positions of the events that are not hidden. The first is the zero position.
	Own []eventstore.Position // :: rank → position
	// Secrets are the positions of hidden events, and SecretSets the ends of change sets that are
	// hidden as a whole.
	Secrets, SecretSets []eventstore.Position

	// ranks says for each seq how many events there are up to it that are not hidden.
	ranks []int // :: seq → rank
	// marks are the positions that stand for a rank and that the caller can know: that of
	// an event which is not hidden, and the ends of change sets.
	marks   [][]eventstore.Position // :: rank → positions
	known   map[eventstore.Position]bool
	lastSet eventstore.Seq // the change set of the last event that is not hidden
	tokens  int            // how many changes of tokens were made
}

func newTwin(w *Twins, store *Store) *Twin {
	s := &Twin{Twins: w, Store: store}
	s.restart()
	return s
}

// restart finds out anew what the caller can know.
func (s *Twin) restart() {
	s.ranks, s.marks, s.Own = []int{0}, [][]eventstore.Position{{{}}}, []eventstore.Position{{}}
	s.known, s.lastSet = map[eventstore.Position]bool{{}: true}, 0
	s.Secrets, s.SecretSets = nil, nil
	s.CatchUp()
}

// change has another caller change names in one set. What is done to a name that is not hidden is
// the same in both stores.
func (s *Twin) change(names []string, actor, reason, key string, drawn uint64) {
	if len(names) == 0 {
		return
	}
	reader := s.Store.Reader(auth.Anonymous)
	commands := make([]config.Command, len(names))
	for i, text := range names {
		dice := rand.New(rand.NewPCG(drawn, uint64(slices.Index(TwinNames, text))))
		name, value := Name(s.T, text), Value(s.T, fmt.Sprint(dice.IntN(3)))
		if s == s.Busy && !s.Caller.May(auth.Read, name) { // the caller may change it at most
			value = Value(s.T, "a hidden value, after "+value.String())
		}
		state := reader.State(name)
		switch exists := state != nil && state.Exists(); {
		case state != nil && !exists && dice.IntN(2) == 0:
			commands[i] = config.Restore{Name: name}
		case exists && dice.IntN(3) == 0:
			commands[i] = config.Delete{Name: name}
		default:
			commands[i] = config.Set{Name: name, Value: value, RestoreDeleted: true}
		}
	}
	set := config.ChangeSet{}.Of(commands...)
	var err error
	set.IdempotencyKey = Key(s.T, key)
	set.Reason, err = config.ParseReason(reason)
	s.Must(err)
	if _, err := s.Store.Apply(context.Background(), auth.Caller{Name: actor, Grants: auth.Everything}, set); err != nil {
		s.T.Fatalf("seed %d: %+v: %v", s.Seed, set, err)
	}
	s.CatchUp()
}

// changeToken makes a token, or revokes the one that was made last.
func (s *Twin) changeToken() {
	ctx, name := context.Background(), TokenName(s.T, fmt.Sprint("token-", s.tokens/2))
	var err error
	if s.tokens%2 == 0 {
		_, err = s.Store.CreateToken(ctx, auth.Local, auth.IssueToken{Name: name, Grants: auth.Everything}, config.Reason{})
	} else {
		_, err = s.Store.RevokeToken(ctx, auth.Local, auth.RevokeToken{Name: name}, config.Reason{})
	}
	s.Must(err)
	s.tokens++
	s.CatchUp()
}

// CatchUp notes the positions of all that was written.
func (s *Twin) CatchUp() {
	records, err := s.Store.Events.Read(context.Background(), eventstore.Seq(len(s.ranks)-1), eventstore.Limit{Records: 1 << 20})
	s.Must(err)
	for i := range records {
		rank, set := len(s.marks)-1, records[i].ChangeSet
		position, known := eventstore.HeadOf(&records[i]).Position(), true
		switch hidden := config.IsStream(records[i].Name) || slices.Contains(s.hidden, records[i].Name); {
		case !hidden:
			rank++
			s.marks = append(s.marks, []eventstore.Position{position})
			s.Own, s.lastSet = append(s.Own, position), set
		case set != records[i].Seq: // no answer has the position
			known = false
		case set == s.lastSet: // to the caller, its last change in the set is where the set ends
			s.marks[rank] = []eventstore.Position{position}
		default:
			s.marks[rank] = append(s.marks[rank], position)
			s.SecretSets = append(s.SecretSets, position)
		}
		if rank == s.ranks[len(s.ranks)-1] {
			s.Secrets = append(s.Secrets, position)
		}
		s.ranks, s.known[position] = append(s.ranks, rank), known
	}
}

// Rank returns what a position stands for: the number of events up to it that are not hidden.
func (s *Twin) Rank(at eventstore.Position) int { return s.ranks[at.Seq] }

// Knows reports whether the caller can know a position.
func (s *Twin) Knows(at eventstore.Position) bool { return s.known[at] }

// Newest returns the newest of the positions that stand for all that the caller has.
func (s *Twin) Newest() eventstore.Position {
	newest := s.marks[len(s.marks)-1]
	return newest[len(newest)-1]
}

// DrawPosition draws a position: the same rank in both stores.
func (s *Twin) DrawPosition(dice *rand.Rand) eventstore.Position {
	rank, nth := dice.IntN(len(s.marks)), dice.Int()
	return s.marks[rank][nth%len(s.marks[rank])]
}
