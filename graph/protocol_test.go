package graph_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/httpd"
	"configapi/internal/origin"
	"configapi/internal/slowtest"
	"configapi/test/graphqlws"
)

// TestProtocol checks the rules of the graphql-transport-ws protocol on the edge as it is served,
// with its default limits. Each rule runs in a synctest bubble: time-outs take no time, and a
// goroutine that is left fails the test.
func TestProtocol(t *testing.T) {
	slowtest.Only(t)
	target := graphqlws.Target{
		URL:             "ws://config.test/graphql",
		Init:            []byte(`{"client":"a browser"}`), // the server is open
		RefusedInit:     []byte(`{"Authorization":"Bearer cfg_mistyped"}`),
		Query:           `{config(name:"a"){value}}`,
		SlowQuery:       `{history(name:"slow"){nodes{value}}}`,
		Mutation:        `mutation{setConfig(input:{name:"a",value:"1"}){__typename}}`,
		Subscription:    `subscription{configChanges(filter:{names:["a"]}){position changes{value}}}`,
		Trigger:         `mutation{setConfig(input:{name:"a",value:"1"}){__typename}}`,
		Failing:         `subscription{configChanges(after:"1-00000000"){position}}`,
		Flood:           `{config(name:"large"){value}}`,
		InitTimeout:     5 * time.Second,
		PingInterval:    20 * time.Second,
		SilenceTimeout:  40 * time.Second,
		WriteTimeout:    10 * time.Second,
		MaxMessageBytes: 16 << 20,
		MaxInitBytes:    64 << 10,
		MaxIDBytes:      128,
		MaxStreams:      100,
		ForeignOrigin:   "https://evil.test",
		NoCompression:   true,
		Patience:        3 * time.Second,
	}
	for _, c := range graphqlws.Cases() {
		if why := c.Applies(target); why != "" {
			if why != "the target has no Finite" { // no subscription of the schema ends by itself
				t.Errorf("%s: %s", c.Name, why)
			}
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := target
				target.Dial = inMemory(t)
				c.Test(t, target)
			})
		})
	}
}

// inMemory serves the edge of a store in memory. A read of the history of "slow" ends only with its
// context.
func inMemory(t *testing.T) (dial func(context.Context) (net.Conn, error)) {
	t.Helper()
	store := configstoretest.On(t, slowHistory{memory.New()}, configstore.Options{})
	store.MustSet(t, "slow", "1")
	store.MustSet(t, "large", strings.Repeat("x", 100_000))
	handler := graph.NewHandler(store.Store, graph.Options{})
	guard, err := origin.New(origin.Options{Hosts: []string{"config.test"}})
	if err != nil {
		t.Fatal(err)
	}
	server := httpd.New(httpd.Options{Store: store.Store, REST: http.NotFoundHandler(), GraphQL: handler, Guard: guard})
	dial, stop := graphqlws.Serve(server)
	t.Cleanup(func() {
		stop()
		if err := handler.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return dial
}

// slowHistory is an event store that never finishes reading one name.
type slowHistory struct{ eventstore.Store }

func (s slowHistory) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	if name == "slow" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Store.ReadConfigBack(ctx, basis, name, before, limit)
}
