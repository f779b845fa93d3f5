package clientcmd

import (
	"fmt"
	"maps"
	"slices"

	"configapi/client"
	"configapi/internal/config"
	"configapi/internal/environment"
	"configapi/internal/fileformat"
	"configapi/internal/supervisor"
)

// configSource makes the environment of a program of the configs of a client.
type configSource struct {
	client   *client.Client
	prefixes []string          // whole ones, the later wins; none: all configs
	maps     map[string]string // :: name → variable
	parent   []string          // variables that the program gets besides

	snapshot *client.Snapshot // of the newest environment; nil at first
}

var _ supervisor.Source = (*configSource)(nil)

// Changed implements [supervisor.Source].
func (s *configSource) Changed() <-chan struct{} { return s.snapshot.Changed() }

// Next implements [supervisor.Source].
func (s *configSource) Next() (supervisor.Environment, error) {
	s.snapshot = s.client.Snapshot()
	var configs []fileformat.Setting
	variables := map[string]string{} // :: name below the prefix → variable
	for _, c := range s.snapshot.All() {
		name, err := s.nameOf(c)
		if err != nil {
			return supervisor.Environment{}, fmt.Errorf("the server sent a name that is none: %w", err)
		}
		if variable, mapped := s.mapped(name.String(), c); mapped {
			variables[name.String()] = variable
		}
		configs = append(configs, fileformat.Setting{Name: name, Value: c.Value})
	}
	made, err := environment.Build(configs, environment.Options{Parent: s.parent, Map: variables})
	return supervisor.Environment{Variables: made, Position: s.snapshot.Position()}, err
}

// nameOf returns the name of a config below its prefix.
func (s *configSource) nameOf(c client.Config) (config.Name, error) {
	name, err := config.ParseName(c.Name)
	if err != nil || len(s.prefixes) != 1 {
		return name, err
	}
	return config.ParseName(fileformat.Below(s.prefixes[0], name))
}

// mapped returns the variable that --map gives a config: by its whole name, or by what follows the
// prefix.
func (s *configSource) mapped(name string, c client.Config) (variable string, is bool) {
	whole := c.Name
	if len(s.prefixes) > 1 {
		whole = c.Layer + "/" + c.Name
	}
	if variable, is = s.maps[whole]; !is {
		variable, is = s.maps[name]
	}
	return variable, is
}

// unmapped returns the names of --map that no config has.
func (s *configSource) unmapped(snapshot *client.Snapshot) []string {
	left := maps.Clone(s.maps)
	for _, c := range snapshot.All() {
		if name, err := s.nameOf(c); err == nil {
			delete(left, name.String())
		}
		delete(left, c.Name)
		delete(left, c.Layer+"/"+c.Name)
	}
	return slices.Sorted(maps.Keys(left))
}
