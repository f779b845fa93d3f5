package edgetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// shrink gives the caller's token the grants that are left to the caller. Then it changes the names
// that the caller could read, and cannot any more: no stream that is open may have such a change.
func (s *twinServer) shrink(lost []string) {
	const secret = "set when it was hidden"
	ctx := context.Background()
	cmd := auth.ChangeGrants{Name: configstoretest.TokenName(s.T, "caller"), Grants: s.granted()}
	_, err := s.Store.ChangeGrants(ctx, auth.Local, cmd, config.Reason{})
	s.Must(err)
	for _, name := range lost {
		set := configstoretest.Set(s.T, name, secret)
		set.RestoreDeleted = true
		_, err := s.Store.Do(ctx, auth.Local, config.Single(set))
		s.Must(err)
	}
	s.CatchUp()
	for _, stream := range s.streams {
		if rest := s.untilEnd(stream); strings.Contains(rest, secret) {
			s.T.Fatalf("seed %d, operation %d: a stream of a caller that has lost %q has %s", s.Seed, s.Step, lost, rest)
		}
		stream.stop()
	}
	for _, socket := range s.sockets {
		socket.Close()
	}
	s.streams, s.sockets, s.cursors, s.last = nil, make(map[string]*twinSocket), nil, nil
	s.ranks = make(map[string]int)
}

// untilEnd returns what a stream has until it ends, or comes to the head. One of the states of a
// config does not say where it is: of that it is what the stream has by now.
func (s *twinServer) untilEnd(stream *twinStream) string {
	var text strings.Builder
	head := s.reader().Head().Seq
	for stream.name == "" {
		if at, err := eventstore.ParsePosition(stream.at); err == nil && at.Seq >= head {
			break
		}
		messages, err := stream.in.take()
		if err != nil {
			if errors.Is(err, errSilent) {
				s.Must(err)
			}
			break
		}
		for _, message := range messages {
			var batch struct{ Position string }
			s.Must(json.Unmarshal(message, &batch))
			stream.at = batch.Position
			text.Write(message)
		}
	}
	for _, message := range stream.in.rest() {
		text.Write(message)
	}
	return text.String()
}
