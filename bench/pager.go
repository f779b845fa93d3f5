package main

import (
	"fmt"
	"maps"
	"math"
	"time"
)

// Numbers of elements in a page.
const (
	diffPage     = 100
	diffAllPage  = 500 // where all is read
	historyPage  = 50
	childrenPage = 100
)

// A document calls what it reads "page".
const (
	diffDocument = `query($t:DateTime!,$a:String){page:diff(from:{time:$t},first:100,after:$a){nodes{name before{value version} after{value version} ` +
		`changes{version operation value committedAt actor reason} moreChanges} pageInfo{hasNextPage endCursor}}}`
	diffAllDocument = `query($t:DateTime!,$u:DateTime!,$a:String){page:diff(from:{time:$t},to:{time:$u},first:500,after:$a){nodes{name before{value version} after{value version}} ` +
		`pageInfo{hasNextPage endCursor}}}`
	historyDocument = `query($n:ConfigName!,$a:String){page:history(name:$n,first:50,after:$a){nodes{version operation value oldValue committedAt actor reason position} ` +
		`pageInfo{hasNextPage endCursor}}}`
	asOfDocument = `query($t:DateTime!,$n:Int,$a:String){asOf(at:{time:$t}){page:configs(first:$n,after:$a){nodes{name value version} ` +
		`pageInfo{hasNextPage endCursor}}}}`
	childrenDocument = `query($p:String,$a:String){page:children(prefix:$p,first:100,after:$a){nodes{segment name below config{value version}} ` +
		`pageInfo{hasNextPage endCursor}}}`
)

// pager reads pages of a history over GraphQL, and times each.
type pager struct {
	asker
	options options
	names   int       // in the history
	first   time.Time // instant of the first event
	busy    int       // revisions of the first name
}

// newPager returns a pager of the history at a server.
func newPager(client *leanClient, host string, o options) (*pager, error) {
	p := &pager{asker: asker{client: client, host: host}, options: o, names: min(o.Names, o.Events)}
	var answer struct {
		Changes struct {
			Changes []struct{ CommittedAt time.Time }
		}
		Config struct{ Version int }
	}
	_, err := p.ask(`query($n:ConfigName!){changes(first:1){changes{committedAt}} config(name:$n){version}}`, map[string]any{"n": historyName(0, o.NameSize)}, &answer)
	if err == nil && len(answer.Changes.Changes) != 1 {
		err = fmt.Errorf("got %d changes, want the first", len(answer.Changes.Changes))
	}
	if err != nil {
		return nil, err
	}
	p.first, p.busy = answer.Changes.Changes[0].CommittedAt, answer.Config.Version
	return p, nil
}

// at returns the instant of an event, counted from 1.
func (p *pager) at(event int) time.Time {
	return p.first.Add(time.Duration(max(event, 1)-1) * historyStep)
}

// near reads all that differs between the head and so many events before it.
func (p *pager) near(events int) ([]time.Duration, error) {
	pages, names, err := p.all(diffDocument, map[string]any{"t": p.at(p.options.Events - events)})
	if err == nil && names == 0 {
		err = fmt.Errorf("got no difference in %d events", events)
	}
	return pages, err
}

// between reads the difference of the moments of two events, and returns how long all of it took.
func (p *pager) between(from, to int) ([]time.Duration, error) {
	pages, names, err := p.all(diffAllDocument, map[string]any{"t": p.at(from), "u": p.at(to)})
	if err == nil && names == 0 {
		err = fmt.Errorf("got no difference of the events %d and %d", from, to)
	}
	return []time.Duration{total(pages)}, err
}

// history reads all revisions of the first name.
func (p *pager) history() ([]time.Duration, error) {
	pages, revisions, err := p.all(historyDocument, map[string]any{"n": historyName(0, p.options.NameSize)})
	if err == nil && revisions != p.busy {
		err = fmt.Errorf("got %d revisions, want %d", revisions, p.busy)
	}
	return pages, err
}

// children reads what lies below each prefix.
func (p *pager) children() ([]time.Duration, error) {
	folders := min(historyFolders, p.names)
	pages, found, err := p.all(childrenDocument, map[string]any{"p": nil})
	if err == nil && found != folders {
		err = fmt.Errorf("got %d folders, want %d", found, folders)
	}
	names := 0
	for folder := 0; err == nil && folder < folders; folder++ {
		var more []time.Duration
		more, found, err = p.all(childrenDocument, map[string]any{"p": historyFolder(folder)})
		pages, names = append(pages, more...), names+found
	}
	if err == nil && names != p.names {
		err = fmt.Errorf("got %d names in all folders, want %d", names, p.names)
	}
	return pages, err
}

// all reads all pages of a document, and returns how long each took, and how many elements they
// have in all.
func (p *pager) all(document string, variables map[string]any) (pages []time.Duration, elements int, err error) {
	return p.some(document, variables, math.MaxInt)
}

// some reads so many pages at most.
func (p *pager) some(document string, variables map[string]any, most int) (pages []time.Duration, elements int, err error) {
	type page struct {
		Nodes    []struct{}
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
	}
	variables = maps.Clone(variables)
	for len(pages) < most {
		var answer struct {
			Page page
			AsOf struct{ Page page }
		}
		took, err := p.ask(document, variables, &answer)
		if err != nil {
			return nil, 0, err
		}
		read := answer.Page
		if len(read.Nodes) == 0 {
			read = answer.AsOf.Page
		}
		pages, elements = append(pages, took), elements+len(read.Nodes)
		if !read.PageInfo.HasNextPage {
			break
		}
		variables["a"] = read.PageInfo.EndCursor
	}
	return pages, elements, nil
}
