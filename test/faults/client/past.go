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

// refused tells whether an answer refuses the client's position as unknown, which it may do when
// the tail of the history was lost. The client then forgets the position.
func (c *Client) refused(n *cluster.Node, answer reply) bool {
	if answer.status != http.StatusBadRequest || !strings.Contains(string(answer.body), "POSITION_UNKNOWN") {
		return false
	}
	if c.world.Forks {
		c.world.Counts[n.Number].Refused.Add(1)
		c.last = record.Position{}
		return true
	}
	return false // an answer without a position, which is found out
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
		return // cut off: an answer without its end
	}
	read.History = []record.Revision{}
	for _, change := range changes {
		revision := record.Revision{Version: change.Version, Type: change.Type}
		// No event is at position 0, which is found out.
		revision.Position, _ = record.ParsePosition(change.Metadata.Position)
		if change.Data.Value != nil {
			revision.Value = history.Digest(*change.Data.Value)
		}
		read.History = append(read.History, revision)
	}
	c.world.Record.Read(read)
}

const asOfQuery = `query($at:Position!,$prefix:String!){asOf(at:{position:$at}){position configs(filter:{prefix:$prefix},first:500){nodes{name value}}}}`

// asOf reads all configs of the round as they were right after the newest write of this client that
// was acknowledged.
func (c *Client) asOf(n *cluster.Node) {
	if c.last.Seq == 0 {
		return
	}
	read := &record.Read{Client: c.number, Prefix: c.world.Prefix, Past: true, Where: record.Where{Node: n.Number, Incarnation: n.Incarnation()}}
	body, err := json.Marshal(map[string]any{"query": asOfQuery, "variables": map[string]any{"at": c.last.String(), "prefix": c.world.Prefix}})
	if err != nil {
		panic(err) // the suite's own values have a JSON
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
