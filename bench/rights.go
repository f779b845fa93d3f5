package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"configapi/internal/auth"
	"configapi/internal/processtest"
)

// Names of the servers of the part rights: how many grants the token of all clients has, or how
// many scopes the tokens of subscribers have.
const (
	byOpen       = "open"
	byOneGrant   = "1 grant"
	byManyGrants = "50 grants"
	byOneScope   = "1 scope"
	byManyScopes = "a scope each"
)

// Loads of the part rights, besides streams.
const (
	loadGetREST    = "get REST"
	loadGetGraphQL = "get GraphQL"
	loadPutREST    = "put REST"
)

const (
	// rightsFolder is the folder of all names.
	rightsFolder = "team"
	// manyGrants is the most that a token may have.
	manyGrants = 50
	// rightsClients is how many clients read and write.
	rightsClients = 16
	// manyTokens is how many tokens one server has, of which memory is measured.
	manyTokens = 10_000
)

// rights are the results of the part: what rights cost.
type rights struct {
	Loads  measurements
	Scopes []scopeMemory // of subscribers with one scope, and with a scope each
	Tokens []tokenMemory
}

// rightsServer is a configapi with tokens.
type rightsServer struct {
	by     string
	server *processtest.Server
	secret string   // of who reads and writes all names; "": the server is open
	others []string // of subscribers; nil: they have secret
}

// measureRights measures the same loads on an open server, and on others whose clients have tokens;
// streams of subscribers that see the same, and of such that each have a scope of their own; and
// the memory of many tokens.
func measureRights(ctx context.Context, r *rig, progress io.Writer) (rights, error) {
	defer r.closeTo(len(r.undo))
	result := rights{Loads: measurements{}}
	var contenders []contender
	var publishers []publisher
	for _, by := range []string{byOpen, byOneGrant, byManyGrants, byOneScope, byManyScopes} {
		s, err := r.startRights(ctx, by)
		if err != nil {
			return result, fmt.Errorf("%s: %w", by, err)
		}
		c, p := r.rightsContender(s), r.rightsPublisher(s)
		if s.others == nil {
			contenders = append(contenders, c)
			if err := fill(ctx, c.connect[loadPutREST], r.options); err != nil {
				return result, fmt.Errorf("%s: %w", by, err)
			}
		} else {
			result.Scopes = append(result.Scopes, measureScopes(ctx, &p, r.options, progress)) // of a fresh server
		}
		publishers = append(publishers, p)
	}
	for _, load := range []string{loadGetREST, loadGetGraphQL, loadPutREST} {
		if err := result.Loads.takeTurns(ctx, r.options, load, rightsClients, contenders, progress); err != nil {
			return result, err
		}
	}
	o := r.options
	o.Subscribers = o.Subscribers[:1]
	if err := result.Loads.addSessions(ctx, publishers, streamLoads[:1], o, progress); err != nil {
		return result, err
	}
	for _, tokens := range []int{1, manyTokens} {
		result.Tokens = append(result.Tokens, measureTokens(ctx, r, tokens, progress))
	}
	return result, ctx.Err()
}

// scopeMemory is a fresh server's memory without subscribers, with them, and after the load, or the
// error of the measurement.
type scopeMemory struct {
	By                    string
	Subscribers           int
	Before, After, Loaded int64 // resident, in bytes
	Err                   error
}

func measureScopes(ctx context.Context, p *publisher, o options, progress io.Writer) scopeMemory {
	m := scopeMemory{By: p.by, Subscribers: o.Subscribers[0]}
	if m.Err = m.measure(ctx, p, o); m.Err != nil {
		fmt.Fprintf(progress, "rights %s FAILED: %v\n", p.by, m.Err)
	} else {
		fmt.Fprintf(progress, "rights %s, %d subscribers: %s each\n", p.by, m.Subscribers, kilobytes(m.perSubscriber(m.After)))
	}
	return m
}

func (m *scopeMemory) measure(ctx context.Context, p *publisher, o options) (err error) {
	if m.Before, err = settledRSS(ctx, p.process); err != nil {
		return err
	}
	s, err := openSession(ctx, p, m.Subscribers, o)
	if err != nil {
		return err
	}
	done := closeWith(ctx, s)
	defer func() { err = errors.Join(err, done()) }()
	if m.After, err = settledRSS(ctx, p.process); err != nil {
		return err
	}
	if _, err = s.measure(ctx, streamLoads[0]); err != nil {
		return err
	}
	m.Loaded, err = settledRSS(ctx, p.process)
	return err
}

// perSubscriber returns how much more memory than without subscribers there is for each.
func (m scopeMemory) perSubscriber(resident int64) float64 {
	return float64(resident-m.Before) / float64(m.Subscribers)
}

// startRights starts configapi on a store that has the tokens of a server.
func (r *rig) startRights(ctx context.Context, by string) (rightsServer, error) {
	s := rightsServer{by: by}
	url, err := r.newStore(ctx, storeSQLite, "rights-"+fmt.Sprint(len(r.undo)))
	if err != nil {
		return s, err
	}
	var secrets []string
	if by != byOpen {
		if secrets, err = issueTokens(ctx, url, grantsOf(by, r.options.Subscribers[0])); err != nil {
			return s, err
		}
		s.secret = secrets[0]
		if len(secrets) > 1 {
			s.others = secrets[1:]
		}
	}
	if s.server, err = r.startConfigapi(ctx, storeSQLite, url); err == nil {
		r.onClose(func() { stop(s.server.Process) })
	}
	return s, err
}

// grantsOf returns the grants of the tokens of a server: of the one of all clients, and of those of
// so many subscribers.
func grantsOf(by string, subscribers int) [][]auth.Grant {
	all := []auth.Action{auth.Read, auth.Write}
	tokens := [][]auth.Grant{{{Actions: all, Prefix: rightsFolder}}}
	if by == byManyGrants {
		for i := range manyGrants - 1 {
			// Half of them are before the folder in the order of names.
			tokens[0] = append(tokens[0], auth.Grant{Actions: all, Prefix: fmt.Sprintf("%c-%02d", "az"[i%2], i)})
		}
	}
	for i := range subscribers {
		switch own := fmt.Sprintf("own-%04d", i); by {
		case byOneScope:
			tokens = append(tokens, []auth.Grant{{Actions: all[:1], Prefix: rightsFolder}, {Actions: all[:1], Prefix: "own"}})
		case byManyScopes:
			tokens = append(tokens, []auth.Grant{{Actions: all[:1], Prefix: rightsFolder}, {Actions: all[:1], Prefix: own}})
		}
	}
	return tokens
}

// rightsContender returns the loads of a server without streams.
func (r *rig) rightsContender(s rightsServer) contender {
	size := r.options.Size
	connect := func(request request) connector {
		return httpConnector(s.server.Address, request.below(rightsFolder).with(s.secret))
	}
	return contender{
		store: storeSQLite, by: s.by, address: s.server.Address, cpu: s.server.CPU, forget: s.server.ForgetLog,
		connect: map[string]connector{
			loadGetREST: connect(restGet(size)), loadGetGraphQL: connect(graphQLGet(size)), loadPutREST: connect(restPut(size)),
		},
	}
}

// rightsPublisher returns the streams of a server, which have all changes.
func (r *rig) rightsPublisher(s rightsServer) publisher {
	p := r.overWebsockets(s.by, s.server.Process, s.server.Address, 1)
	secrets := s.others
	if secrets == nil && s.secret != "" {
		secrets = []string{s.secret}
	}
	p.subscribe = func(ctx context.Context, subscribers int, t *tally) (io.Closer, error) {
		return joinCrowd(ctx, s.server.Address, subscribers, 1, false, secrets, t)
	}
	p.write = func(writers, size int, life time.Duration) ([]writer, closers, error) {
		return r.restWriters(s.server.Address, restPut(size).below(rightsFolder).with(s.secret), writers, life)
	}
	return p
}
