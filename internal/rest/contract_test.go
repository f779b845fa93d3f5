package rest_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
)

const (
	plain   = "Content-Type: text/plain; charset=utf-8"
	jsonDoc = "Content-Type: application/json"
	problem = "Content-Type: application/problem+json"
	noSniff = "X-Content-Type-Options: nosniff"
)

// TestContract is the contract of the system that this one takes over from, request by request,
// byte by byte.
func TestContract(t *testing.T) {
	for _, version := range []string{"", "/v1"} {
		t.Run("paths below "+version+"/", func(t *testing.T) { testContract(t, version) })
	}
}

func testContract(t *testing.T, base string) {
	s := MustStart(t, configstore.Options{})
	position := func() string { return "Config-Position: " + s.head() }
	length := func(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) }
	do := func(request, body string) answer {
		t.Helper()
		return s.MustDo(t, strings.Replace(request, " ", " "+base, 1), body)
	}
	text := func(request, body string, status int, want string, versions ...string) {
		t.Helper()
		got := do(request, body)
		headers := append(versions, plain, noSniff, position(), length(want))
		if strings.HasPrefix(request, "GET") {
			headers = append(headers, noCache, varies)
		}
		check(t, request, got, status, want, headers...)
	}
	change := func(request, body string, status int, want, name string, version int) {
		t.Helper()
		got := do(request, body)
		check(t, request, got, status, want, append(s.versionHeaders(t, name, version), plain, noSniff, position(), length(want))...)
	}
	value := func(request, want, name string, version int) {
		t.Helper()
		text(request, "", 200, want, s.versionHeaders(t, name, version)...)
	}
	list := func(want string) {
		t.Helper()
		got := do("GET /config", "")
		check(t, "GET /config", got, 200, want, jsonDoc, noSniff, position(), length(want), noCache, varies, `ETag: "`+s.head()+`"`)
	}

	list(`[]`)
	text("GET /config/a", "", 404, "Not Found")
	text("DELETE /config/a", "", 404, "Not Found")
	change("PUT /config/a", `{"value":"one"}`, 200, "OK", "a", 1)
	value("GET /config/a", "one", "a", 1)
	change("PUT /config/a", `{"value":"one"}`, 200, "OK", "a", 2)
	change("PUT /config/a%2Fb", `{"value":""}`, 200, "OK", "a/b", 1)
	value("GET /config/a%2Fb", "", "a/b", 1)
	change("PUT /config/B", `{"value":"\"é\"\n<&>🏃"}`, 200, "OK", "B", 1)
	value("GET /config/B", "\"é\"\n<&>🏃", "B", 1)
	list(`[{"name":"B","value":"\"é\"\n<&>🏃"},{"name":"a","value":"one"},{"name":"a/b","value":""}]`)
	change("DELETE /config/a", "", 200, "OK", "a", 3)
	change("DELETE /config/a", "", 410, "Gone", "a", 3)
	change("PUT /config/a", `{"value":"two"}`, 410, "Gone", "a", 3)
	text("GET /config/a", "", 404, "Not Found")
	list(`[{"name":"B","value":"\"é\"\n<&>🏃"},{"name":"a/b","value":""}]`)

	before := "GET /config/a/at/2024-01-15T10:30:00Z"
	check(t, before, do(before, ""), 404, "Not Found", plain, noSniff, noCache, varies, "Config-Position: 0-00000000", length("Not Found"))
	text("GET /config/a/at/yesterday", "", 400, "Invalid timestamp format. Use ISO8601 (e.g., 2024-01-15T10:30:00Z)")
	text("GET /config/a/at/", "", 400, "Invalid timestamp format. Use ISO8601 (e.g., 2024-01-15T10:30:00Z)")

	for _, path := range []string{"/", "/configs", "/config/a/history/", "/v2/config", "//config", "/config/a/restore/", "/metrics", "/Config", "/v1/v1/config", "/config/a/"} {
		got := do("GET "+path, "")
		check(t, path, got, 404, "Not Found", plain, noSniff, "Content-Length: 9")
	}
}

func TestHistory(t *testing.T) {
	clock := newClock(time.Date(2026, 3, 1, 12, 0, 1, 123456789, time.FixedZone("", 3600)))
	s := MustStart(t, configstore.Options{Now: clock.now})
	get := func(want string, headers ...string) {
		t.Helper()
		request := "GET /config/a%2Fb/history"
		headers = append(headers, noCache, varies, jsonDoc, noSniff, "Config-Position: "+s.head(), "Content-Length: "+strconv.Itoa(len(want)))
		check(t, request, s.MustDo(t, request, ""), 200, want, headers...)
	}
	get(`[]`)
	first := s.MustSet(t, "a/b", "one").Position
	want := `{"event_type":"ConfigValueSet","data":{"config_name":"a/b","value":"one","old_value":null,"timestamp":"2026-03-01T11:00:01.123456Z"},` +
		`"metadata":{"position":"` + first.String() + `","actor":null,"reason":null},"created_at":"2026-03-01T11:00:01.123456Z","stream_version":1}`
	get("["+want+"]", s.versionHeaders(t, "a/b", 1)...)

	clock.tick()
	s.MustSet(t, "other", "x")
	clock.tick()
	second := s.MustSet(t, "a/b", "\"two\"\n").Position
	clock.tick()
	third := s.MustDelete(t, "a/b").Position
	clock.tick()
	fourth := s.MustRestore(t, "a/b").Position
	want += `,{"event_type":"ConfigValueSet","data":{"config_name":"a/b","value":"\"two\"\n","old_value":"one","timestamp":"2026-03-01T11:00:03.123456Z"},` +
		`"metadata":{"position":"` + second.String() + `","actor":null,"reason":null},"created_at":"2026-03-01T11:00:03.123456Z","stream_version":2}` +
		`,{"event_type":"ConfigValueDeleted","data":{"config_name":"a/b","deleted_value":"\"two\"\n","timestamp":"2026-03-01T11:00:04.123456Z"},` +
		`"metadata":{"position":"` + third.String() + `","actor":null,"reason":null},"created_at":"2026-03-01T11:00:04.123456Z","stream_version":3}` +
		`,{"event_type":"ConfigValueRestored","data":{"config_name":"a/b","value":"\"two\"\n","old_value":null,"timestamp":"2026-03-01T11:00:05.123456Z"},` +
		`"metadata":{"position":"` + fourth.String() + `","actor":null,"reason":null},"created_at":"2026-03-01T11:00:05.123456Z","stream_version":4}`
	get("["+want+"]", s.versionHeaders(t, "a/b", 4)...)

	s.MustDelete(t, "a/b")
	got := s.MustDo(t, "GET /config/a%2Fb/history", "")
	if got.header.Get("Config-Version") != "5" || !strings.HasPrefix(got.body, "["+want+",{") {
		t.Errorf("after a second deletion: version %s, %s", got.header.Get("Config-Version"), got.body)
	}
}

// TestPast reads every moment of a short history.
func TestPast(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := newClock(start)
	s := MustStart(t, configstore.Options{Now: clock.now})
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	positions := []string{"0-00000000"}
	step := func(position string) {
		positions = append(positions, position)
		clock.set(at(len(positions) - 1))
	}
	step(s.MustSet(t, "a", "one").Position.String())
	step(s.MustSet(t, "b", "x").Position.String())
	step(s.MustSet(t, "a", "two").Position.String())
	step(s.MustDelete(t, "a").Position.String())
	step(s.MustRestore(t, "a").Position.String())

	for _, row := range []struct {
		instant  string
		value    string // "-": there was none
		version  int
		position string
	}{
		{config.FormatInstant(start.Add(-time.Microsecond)), "-", 0, positions[0]},
		{config.FormatInstant(start), "one", 1, positions[1]},
		{"2026-03-01T13:00:00.9999999%2B01:00", "one", 1, positions[1]},
		{"2026-03-01T12:00:01Z", "one", 1, positions[2]},
		{"2026-03-01T12:00:01.999999Z", "one", 1, positions[2]},
		{"2026-03-01T12%3A00%3A02Z", "two", 2, positions[3]},
		{"2026-03-01T12:00:03Z", "-", 0, positions[4]},
		{"2026-03-01t12:00:02z", "two", 2, positions[3]},
		{"2026-02-28T23:59:60Z", "-", 0, positions[0]},
		{"2998-12-31T23:59:60.5-00:00", "two", 4, positions[5]},
		{"2026-03-01T12:00:04Z", "two", 4, positions[5]},
		{"2999-01-01T00:00:00-05:00", "two", 4, positions[5]},
	} {
		request := "GET /config/a/at/" + row.instant
		got := s.MustDo(t, request, "")
		if row.value == "-" {
			check(t, request, got, 404, "Not Found", plain, noSniff, noCache, varies, "Content-Length: 9", "Config-Position: "+row.position)
			continue
		}
		check(t, request, got, 200, row.value, append(s.versionHeaders(t, "a", row.version), plain, noSniff, noCache, varies,
			"Content-Length: 3", "Config-Position: "+row.position)...)
	}
}
