package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// twinStream is a stream of changes that the caller has open, and how far it has come.
type twinStream struct {
	watch  *configstore.Watch
	filter config.Filter
	at     eventstore.Seq
}

// doStream opens a stream, in place of another one when there are many.
func (s *twin) doStream(dice *rand.Rand) string {
	filter, after, slot := s.drawFilter(dice), s.DrawPosition(dice), dice.IntN(4)
	from := &after
	if dice.IntN(3) == 0 {
		from = nil
	}
	watch, err := s.Store.Watch(context.Background(), s.Caller, filter, from)
	s.Must(err)
	stream := &twinStream{watch: watch, filter: filter, at: watch.Offset().Head.Seq}
	if slot >= len(s.streams) {
		s.streams = append(s.streams, stream)
	} else {
		s.streams[slot] = stream
	}
	return s.read(stream, false)
}

func (s *twin) doPoll(dice *rand.Rand) string {
	slot, toEnd := dice.IntN(4), dice.IntN(3) == 0
	if slot >= len(s.streams) {
		return ""
	}
	return s.read(s.streams[slot], toEnd)
}

func (s *twin) doResume(dice *rand.Rand) string {
	slot := dice.IntN(4)
	if slot >= len(s.streams) {
		return ""
	}
	stream := s.streams[slot]
	var err error
	stream.watch, err = s.Store.Resume(s.Caller, stream.filter, stream.watch.Offset())
	s.Must(err)
	return s.read(stream, false)
}

// read reads a stream up to the head: as a stream is read that comes to where others of its group
// are, or with [configstore.Watch.Next], which must say that it has come there, whatever the filter
// selects.
func (s *twin) read(stream *twinStream, toEnd bool) string {
	ctx, cancel := context.WithTimeout(context.Background(), configstoretest.Patience)
	defer cancel()
	var b strings.Builder
	for head := s.Store.Reader(s.Caller).Head().Seq; stream.at < head; {
		next := stream.watch.Next
		if toEnd {
			next = func(ctx context.Context) (configstore.Changes, error) { return stream.watch.ReadTo(ctx, head) }
		}
		message, err := next(ctx)
		s.Must(err)
		b.WriteString(s.revisions(message.Revisions))
		stream.at = message.Position.Seq
	}
	return fmt.Sprintf("%sto %d", b.String(), s.Rank(eventstore.Position{Seq: stream.at}))
}

func (s *twin) doWatchConfig(dice *rand.Rand) string {
	name, slot := s.drawName(dice), dice.IntN(3)
	watch, err := s.Store.Store.WatchConfig(s.Caller, name)
	s.Must(err)
	if slot >= len(s.configs) {
		slot = len(s.configs)
		s.configs = append(s.configs, nil)
	}
	s.configs[slot] = &twinConfigStream{watch, name}
	return s.readConfig(s.configs[slot])
}

// twinConfigStream is a stream of the states of one config that the caller has open.
type twinConfigStream struct {
	watch *configstore.ConfigWatch
	name  config.Name
}

func (s *twin) doPollConfig(dice *rand.Rand) string {
	slot := dice.IntN(3)
	if slot >= len(s.configs) {
		return ""
	}
	return s.readConfig(s.configs[slot])
}

func (s *twin) doResumeConfig(dice *rand.Rand) string {
	slot := dice.IntN(3)
	if slot >= len(s.configs) {
		return ""
	}
	stream := s.configs[slot]
	var err error
	stream.watch, err = s.Store.ResumeConfig(s.Caller, stream.name, stream.watch.Offset())
	s.Must(err)
	return s.readConfig(stream)
}

// readConfig reads what a stream of a config returns without waiting.
func (s *twin) readConfig(stream *twinConfigStream) string {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c, err := stream.watch.Next(ended)
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Must(err)
	}
	return fmt.Sprintf("%s, %v", s.state(c, s.Store.OldValue(c)), err)
}
