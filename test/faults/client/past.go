package client

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// refused reports whether an answer refuses the position of the client as unknown. That is allowed
// only after the newest events were lost. The client then forgets the position.
func (c *Client) refused(n *cluster.Node, answer reply) bool {
	if answer.status != http.StatusBadRequest || !strings.Contains(string(answer.body), "POSITION_UNKNOWN") {
		return false
	}
	if c.world.Forks {
		c.world.Counts[n.Number].Refused.Add(1)
		c.last = record.Position{}
		return true
	}
	return false // the missing position is found by the checks
}

// history reads all changes of a config.
func (c *Client) history(n *cluster.Node, name string) {
	read := &record.Read{Client: c.number, Name: name, Past: true}
	answer, ok := c.ask(n, read, "/config/"+url.PathEscape(name)+"/history", nil)
	if !ok || answer.status != http.StatusOK {
		return
	}
	var changes []struct {
		Type     string `json:"event_type"`
		Version  int    `json:"stream_version"`
		Metadata struct{ Position string }
		Data     struct{ Value *string }
	}
	if json.Unmarshal(answer.body, &changes) != nil {
		return // the answer was cut off
	}
	read.History = []record.Revision{}
	for _, change := range changes {
		revision := record.Revision{Version: change.Version, Type: change.Type}
		// A parse error leaves seq 0, which the checks find.
		revision.Position, _ = record.ParsePosition(change.Metadata.Position)
		if change.Data.Value != nil {
			revision.Value = history.Digest(*change.Data.Value)
		}
		read.History = append(read.History, revision)
	}
	c.world.Record.Read(read)
}

const asOfQuery = `query($at:Position!,$prefix:String!){asOf(at:{position:$at}){position configs(filter:{prefix:$prefix},first:500){nodes{name value}}}}`

// asOf reads all configs of the round as of the newest acknowledged write of this client.
func (c *Client) asOf(n *cluster.Node) {
	if c.last.Seq == 0 {
		return
	}
	read := &record.Read{Client: c.number, Prefix: c.world.Prefix + "/" + Shared, Past: true, Where: record.Where{Node: n.Number, Incarnation: n.Incarnation()}}
	body, err := json.Marshal(map[string]any{"query": asOfQuery, "variables": map[string]any{"at": c.last.String(), "prefix": read.Prefix}})
	if err != nil {
		panic(err) // the suite's own values can be encoded
	}
	read.Call = c.world.Record.Now()
	answer, err := c.do(n, http.MethodPost, "/graphql", nil, body)
	read.Return = c.world.Record.Now()
	if err != nil || answer.status != http.StatusOK {
		return
	}
	var result struct {
		Data struct {
			AsOf *struct {
				Position string
				Configs  *struct {
					Nodes []struct {
						Name  string
						Value *string
					}
				}
			}
		}
		Errors []any
	}
	if err := json.Unmarshal(answer.body, &result); err != nil || len(result.Errors) > 0 || result.Data.AsOf == nil || result.Data.AsOf.Configs == nil {
		if c.world.Forks && strings.Contains(string(answer.body), "POSITION_UNKNOWN") {
			c.world.Counts[n.Number].Refused.Add(1)
			c.last = record.Position{}
		}
		return
	}
	read.Position, _ = record.ParsePosition(result.Data.AsOf.Position)
	read.Values = map[string]string{}
	for _, config := range result.Data.AsOf.Configs.Nodes {
		if config.Value != nil {
			read.Values[config.Name] = history.Digest(*config.Value)
		}
	}
	if n.Incarnation() != read.Incarnation {
		read.Incarnation = record.Unsure
	}
	c.world.Record.Read(read)
}
