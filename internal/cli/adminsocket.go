package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"configapi/internal/adminsocket"
	"configapi/internal/httpd"
)

// adminListener listens on the admin socket at a path, "" for none. It returns nil when there is
// none. A socket that cannot be made is a warning: the server works without it.
//
// The caller holds the lock of an SQLite store, so that the socket beside it is of no other server
// on that store.
func adminListener(path string, log *slog.Logger) net.Listener {
	if path == "" {
		return nil
	}
	listener, err := adminsocket.Listen(path, log)
	if err != nil {
		log.Warn("there is no admin socket, so tokens of this server are managed with a token alone; "+
			"choose another path with --admin-socket, or off", "path", path, "error", err)
		return nil
	}
	log.Info("the admin socket is there, for the user of this server and root", "path", path)
	return listener
}

// serveBoth serves a listener, and an admin socket unless it is nil, until ctx ends.
func serveBoth(ctx context.Context, server *httpd.Server, listener, admin net.Listener) error {
	if admin == nil {
		return server.Serve(ctx, listener)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- server.ServeAdmin(ctx, admin) }()
	err := server.Serve(ctx, listener)
	cancel()
	return errors.Join(err, <-served)
}
