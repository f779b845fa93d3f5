package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// errExposed says that a server must not serve where it listens.
var errExposed = errors.New("no token was ever issued, so everyone may read and change everything, and the address of --listen is not a loopback address")

// warnIfOpen logs a warning if a server is open to everyone. If it also listens beyond this
// machine, and nobody has allowed that, it is refused instead: refuse gets the reason. begun is
// closed when the first token is issued, if there is one to issue.
func warnIfOpen(ctx context.Context, store *configstore.Store, begun <-chan struct{}, address net.Addr, set settings, log *slog.Logger, refuse context.CancelCauseFunc) {
	select {
	case <-begun:
	case <-ctx.Done():
		return
	}
	if caller, err := store.Authenticate(ctx, ""); err != nil || caller.Grants != auth.Everything {
		return
	}
	if !set.allowAnonymous && !isLoopback(address) {
		refuse(startErrorf("%w; make a first token with `configapi token create`, listen on 127.0.0.1, or give --allow-anonymous", errExposed))
		return
	}
	log.Warn("the server is open: no token was ever issued, so everyone who reaches it may read and change everything; "+
		"make a first token with `configapi token create`", "address", address.String(), "allow_anonymous", set.allowAnonymous)
}

func isLoopback(address net.Addr) bool {
	tcp, is := address.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}
