package clientcmd

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/clientconfig"
	"configapi/internal/fault"
)

// statusTime is how long a server has to say how it is.
const statusTime = 10 * time.Second

func newStatus(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status [URL|CONTEXT...]",
		Short:   "show how servers are",
		GroupID: GroupServer,
		Args:    words(0, many),
		Long: `Shows how servers are: whether they are ready and healthy, which position they have applied, and how
far they are behind. Without words it is the server that other commands work on. It ends with 1 when
one is not healthy or not ready, and with 6 when one does not answer.

Details are for tokens that may read everything. A token goes to its own server alone, so nodes with
addresses of their own have contexts of their own.`,
		Example: `  configapi status
  configapi status https://node1.example https://node2.example https://node3.example`,
	}
	var c connection
	c.register(env, cmd)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return contextNames(env)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return c.status(cmd.Context(), env, args) }
	return cmd
}

// nodeStatus is the state of one server in JSON.
type nodeStatus struct {
	Server   string    `json:"server"` // its URL, or the name of its context
	Ready    bool      `json:"ready"`
	Status   string    `json:"status"` // healthy, unhealthy, or unreachable
	Position string    `json:"position,omitempty"`
	Lag      *rest.Lag `json:"lag,omitempty"`
	Verified string    `json:"verified,omitempty"`
	Problems []string  `json:"problems"`
	err      error     // the server does not answer
}

// status asks all servers at the same time.
func (c *connection) status(ctx context.Context, env Env, names []string) error {
	if err := checkOutput(c.output); err != nil {
		return err
	}
	if len(names) > 0 && (c.URL != "" || c.Context != "") {
		return UsageErrorf("name servers either by words, or by --url or --context")
	}
	targets, err := c.targets(ctx, env, names)
	if err != nil {
		return err
	}
	nodes := make([]nodeStatus, len(targets))
	var asking sync.WaitGroup
	for i, to := range targets {
		asking.Go(func() { nodes[i] = statusOf(ctx, to) })
	}
	asking.Wait()
	s := &session{env: env, output: c.output}
	if err := s.show(view{object: nodes, names: serversOf(nodes), table: s.showTable(statusTable(nodes))}); err != nil {
		return err
	}
	return verdict(nodes)
}

// node is a server to ask.
type node struct {
	name   string
	client *rest.Client
}

// targets returns the servers that words name: by a URL, or else by a context.
func (c *connection) targets(ctx context.Context, env Env, names []string) (nodes []node, err error) {
	flags := []clientconfig.Flags{c.Flags}
	if len(names) > 0 {
		flags = nil
	}
	for _, name := range names {
		f := c.Flags
		if f.Context = name; strings.Contains(name, "://") {
			f.Context, f.URL = "", name
		}
		flags = append(flags, f)
	}
	for i, f := range flags {
		s, err := (&connection{f, c.output}).open(ctx, env)
		if err != nil {
			return nil, err
		}
		name := s.client.URL()
		if len(names) > 0 {
			name = names[i]
		}
		nodes = append(nodes, node{name, s.client})
	}
	return nodes, nil
}

func statusOf(ctx context.Context, to node) nodeStatus {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	defer to.client.Close()
	found, err := to.client.Status(ctx)
	n := nodeStatus{Server: to.name, Ready: found.IsReady, Status: found.Health.Status, Position: found.Position,
		Lag: found.Health.Lag, Verified: found.Health.Verified, Problems: []string{}, err: err}
	if err != nil {
		n.Status, n.Problems = "unreachable", []string{err.Error()}
		return n
	}
	if !found.IsReady {
		n.Problems = append(n.Problems, "not ready: "+found.Ready)
	}
	for _, part := range []string{"eventstore", "projection", "database"} {
		if text := found.Health.Checks[part]; text != "" && text != "ok" {
			n.Problems = append(n.Problems, part+": "+text)
		}
	}
	for _, text := range []string{found.Health.Writes, found.Health.Clock} {
		if text != "" {
			n.Problems = append(n.Problems, text)
		}
	}
	if found.Health.Open {
		n.Problems = append(n.Problems, "open: everyone who reaches it may do everything")
	}
	return n
}

func statusTable(nodes []nodeStatus) *table {
	t := &table{heading: []string{"SERVER", "READY", "STATUS", "POSITION", "BEHIND", "PROBLEMS"}, elastic: []int{0, 5}}
	for _, n := range nodes {
		behind := "-"
		if n.Lag != nil {
			behind = fmt.Sprintf("%d, %.3gs", n.Lag.Positions, n.Lag.Seconds)
		}
		t.add(n.Server, yesNo(n.Ready), n.Status, firstOf(n.Position, "-"), behind, firstOf(strings.Join(n.Problems, "; "), "-"))
	}
	return t
}

func serversOf(nodes []nodeStatus) (names []string) {
	for _, n := range nodes {
		names = append(names, n.Server)
	}
	return names
}

// verdict returns an error when a server does not answer, or is not as it should be.
func verdict(nodes []nodeStatus) error {
	unreachable, unwell := 0, 0
	for _, n := range nodes {
		switch {
		case n.err != nil:
			unreachable++
		case !n.Ready || n.Status != "healthy":
			unwell++
		}
	}
	switch {
	case unreachable > 0:
		return &ExitError{fault.ExitUnreachable, fmt.Errorf("%d of %s cannot be reached", unreachable, count(len(nodes), "server"))}
	case unwell > 0:
		return Differs("%d of %s not ready or not healthy", unwell, count(len(nodes), "server"))
	}
	return nil
}
