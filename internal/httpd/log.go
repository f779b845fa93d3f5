package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"configapi/internal/excerpt"
)

// Longer texts of a request are cut in the log, so that nobody fills it with headers of 64 KiB.
const (
	maxLoggedMethod = 16
	maxLoggedPath   = 512
)

// log writes the one line of a request. Names of configs are in it, with the path; values never are, nor is the query.
func (e *exchange) log(r *http.Request, now time.Time, aborted bool) {
	log, ctx := e.server.opts.Log, context.Background()
	level := slog.LevelInfo
	if e.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(now, level, "request", 0) // by hand, since looking for the caller is a good part of a line's cost
	record.AddAttrs(
		slog.String("method", excerpt.Of(r.Method, maxLoggedMethod)),
		slog.String("path", excerpt.Of(r.URL.EscapedPath(), maxLoggedPath)), // escaped it has no control characters
		slog.Int("status", e.status),
		slog.Int64("bytes", e.bytes),
		slog.Duration("duration", now.Sub(e.start)),
		slog.String("request_id", e.id[0]),
		slog.String("remote", r.RemoteAddr),
	)
	if aborted {
		record.AddAttrs(slog.Bool("aborted", true))
	}
	_ = log.Handler().Handle(ctx, record) // there is nobody to tell
}
