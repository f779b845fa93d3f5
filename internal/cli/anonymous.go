package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// grantList is a flag with grants such as READ:a or READ,WRITE:a,READ:b. It may be repeated. ADMIN
// is not for anonymous callers.
type grantList struct{ grants *auth.Grants } // nil: none was given

func (l *grantList) String() string { return grantsText(l.grants) }

func (l *grantList) Set(text string) error {
	list := slices.Clone(l.grants.List())
	var allowed []auth.Action
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		word, prefix, ends := strings.Cut(part, ":")
		action, err := auth.ParseAction(word)
		if err != nil || action == auth.Admin {
			return fmt.Errorf("%q is neither READ nor WRITE; a grant is ACTIONS:PREFIX, such as READ:public", word)
		}
		allowed = append(allowed, action)
		if ends {
			list, allowed = append(list, auth.Grant{Actions: allowed, Prefix: prefix}), nil
		}
	}
	if len(allowed) > 0 {
		return errors.New("a grant is ACTIONS:PREFIX, such as READ:public; an empty prefix is everything")
	}
	grants, err := auth.NewGrants(list...)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		l.grants = grants
	}
	return nil
}

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
