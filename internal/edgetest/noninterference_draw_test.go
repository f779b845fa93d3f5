package edgetest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// The methods below draw what requests are made of: the same on both servers, but for positions.

type object = map[string]any

func mustMarshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// reader returns a reader with the rights of the caller.
func (s *twinServer) reader() *configstore.Reader { return s.Store.Reader(s.Caller) }

func pick[T any](dice *rand.Rand, of ...T) T { return of[dice.IntN(len(of))] }

func (s *twinServer) drawName(dice *rand.Rand) string {
	return pick(dice, append([]string{"a/x", "d"}, configstoretest.TwinNames...)...)
}

// drawWritable draws a name that the caller may change, most times.
func (s *twinServer) drawWritable(dice *rand.Rand) string {
	if len(s.Writable) == 0 || dice.IntN(6) == 0 {
		return s.drawName(dice)
	}
	return pick(dice, s.Writable...)
}

func (s *twinServer) drawPrefix(dice *rand.Rand) string {
	return pick(dice, append([]string{"", "", "", "", "a/", "c", "c/x", "a.b", "d"}, configstoretest.TwinNames...)...)
}

// drawAt draws the text of a position.
func (s *twinServer) drawAt(dice *rand.Rand) string { return s.DrawPosition(dice).String() }

// drawInstant draws an instant between two operations.
func (s *twinServer) drawInstant(dice *rand.Rand) string {
	at := configstoretest.Epoch.Add(time.Duration(dice.IntN(int(s.Step)+1))*time.Second + time.Second/2)
	return config.FormatInstant(at)
}

// drawMoment draws a position or an instant.
func (s *twinServer) drawMoment(dice *rand.Rand) string {
	at, instant := s.drawAt(dice), s.drawInstant(dice)
	return pick(dice, at, instant)
}

// oneOf returns one of the hidden positions, and where there is none one that is not known.
func (s *twinServer) oneOf(secrets []eventstore.Position, dice *rand.Rand) string {
	nth := dice.Int()
	if len(secrets) > 0 && s.Twin == s.Busy {
		return secrets[nth%len(secrets)].String()
	}
	unknown := s.Own[len(s.Own)-1]
	unknown.Prefix[0]++
	return unknown.String()
}

func drawReason(dice *rand.Rand) string { return pick(dice, "", "", "for this") }

func drawKey(dice *rand.Rand) string {
	if dice.IntN(3) > 0 {
		return ""
	}
	return fmt.Sprint("key-", dice.IntN(20))
}

// drawChange draws a change of a set, as REST and GraphQL have it, that meets what the caller sees
// of the config about as often as not.
func (s *twinServer) drawChange(dice *rand.Rand, name string) (kind string, change object) {
	state := s.reader().State(configstoretest.Name(s.T, name))
	change = object{"name": name}
	switch version, own := dice.IntN(3), s.Own[dice.IntN(len(s.Own))]; dice.IntN(5) {
	case 0:
		change["expectedVersion"] = version
	case 1:
		if state != nil {
			change["expectedVersion"] = int(state.Version)
		}
	case 2:
		change["expectedRevision"] = own.String()
	case 3:
		if state != nil {
			change["expectedRevision"] = state.Position().String()
		}
	}
	kind = pick(dice, "set", "set", "delete", "restore")
	if value := fmt.Sprint(dice.IntN(3)); kind == "set" || kind == "restore" && dice.IntN(2) == 0 {
		change["value"] = value
	}
	if dice.IntN(3) == 0 && kind == "set" {
		change["onlyIfChanged"] = true
	}
	return kind, change
}

// drawSet draws the members of a change set, as REST and GraphQL have them.
func (s *twinServer) drawSet(dice *rand.Rand) object {
	var changes []object
	for range 1 + dice.IntN(3) {
		kind, change := s.drawChange(dice, s.drawWritable(dice))
		changes = append(changes, object{kind: change})
	}
	return s.drawMembers(dice, object{"changes": changes}, true)
}

// drawMembers adds members that sets and reverts have.
func (s *twinServer) drawMembers(dice *rand.Rand, set object, seen bool) object {
	at := s.drawAt(dice)
	if dice.IntN(4) == 0 && seen {
		set["asSeenAt"] = at
	}
	if dice.IntN(3) == 0 {
		set["dryRun"] = true
	}
	if reason := drawReason(dice); reason != "" {
		set["reason"] = reason
	}
	return set
}

// drawUndone draws a change set to undo, of which the caller may have to learn nothing.
func (s *twinServer) drawUndone(dice *rand.Rand) string {
	own, secret := s.Own[dice.IntN(len(s.Own))].String(), s.oneOf(s.SecretSets, dice)
	return pick(dice, own, s.made.String(), secret)
}

// mayRead reports whether the caller may read a name.
func (s *twinServer) mayRead(name string) bool {
	return s.Caller.May(auth.Read, configstoretest.Name(s.T, name))
}
