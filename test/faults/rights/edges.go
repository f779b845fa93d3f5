package rights

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"configapi/internal/websockettest"
)

const (
	// silence is how long a server may send nothing on a websocket, pings included.
	silence = 2 * time.Minute
	// longestLine bounds a line of an event stream.
	longestLine = 8 << 20
	// codeForbidden closes a websocket whose token may not have it any more.
	codeForbidden = 4403

	subscription = `subscription($after:Position){configChanges(after:$after){changes{name position} position}}`
)

func (s *stream) runWebsocket(ctx context.Context) error {
	header := http.Header{}
	authorize(header, s.secret)
	conn, err := websockettest.Open(ctx, "ws://"+s.node.Address()+"/graphql", websockettest.Options{Header: header, Patience: silence})
	if err != nil {
		if text := err.Error(); strings.Contains(text, "to the handshake") {
			return &refusedError{text}
		}
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, conn.Close)
	defer stop()
	if err := conn.Subscribe("1", subscription, map[string]any{"after": s.at().String()}); err != nil {
		return err
	}
	s.open()
	for {
		m, err := conn.Receive()
		var cause *websockettest.CloseError
		switch {
		case errors.As(err, &cause):
			return &endError{cause.Code == codeForbidden, cause.Reason}
		case err != nil:
			return err
		case m.Type == "next":
			err = s.takeGraphQL(m.Payload)
		case m.Type == "error":
			return &endError{false, m.Text}
		default:
			return fmt.Errorf("got %.300s", m.Text)
		}
		if err != nil {
			return err
		}
	}
}

func (s *stream) runEvents(ctx context.Context) error {
	path := "/events?after=" + url.QueryEscape(s.at().String())
	return s.runEventStream(ctx, http.MethodGet, path, nil, func(kind string, data []byte) error {
		switch kind {
		case "changes":
			return s.take(data)
		case "error":
			return &endError{true, string(data)}
		}
		return fmt.Errorf("got the event %q: %.300s", kind, data)
	})
}

func (s *stream) runGraphQLEvents(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"query": subscription, "variables": map[string]any{"after": s.at().String()}})
	if err != nil {
		return err
	}
	return s.runEventStream(ctx, http.MethodPost, "/graphql", body, func(kind string, data []byte) error {
		if kind != "next" {
			return fmt.Errorf("got the event %q: %.300s", kind, data)
		}
		return s.takeGraphQL(data)
	})
}

// runEventStream hands on the events of an answer until it ends.
func (s *stream) runEventStream(ctx context.Context, method, path string, body []byte, take func(kind string, data []byte) error) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.node.Address()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	authorize(request.Header, s.secret)
	answer, err := s.world.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return &refusedError{fmt.Sprintf("%s: %.300s", answer.Status, text)}
	}
	s.open()
	return eachEvent(answer.Body, take)
}

// eachEvent reads an event stream until it ends or take returns an error. The end is an error, too.
func eachEvent(r io.Reader, take func(kind string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), longestLine)
	kind, data := "", []byte(nil)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "" && data != nil:
			if err := take(kind, data); err != nil {
				return err
			}
			kind, data = "", nil
		case field == "event":
			kind = value
		case field == "data":
			data = append(data, value...)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the event stream ended without a reason")
}
