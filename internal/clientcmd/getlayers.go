package clientcmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"configapi/client"
	"configapi/client/rest"
	"configapi/internal/fault"
)

// layered are configs of several layers at one position.
type layered struct {
	Position string          `json:"position"`
	Configs  []layeredConfig `json:"configs"`
}

// layeredConfig is the config that a name has in the last layer that has it.
type layeredConfig struct {
	Name     string   `json:"name"`  // what follows the prefix of the layer
	Layer    string   `json:"layer"` // the whole prefix
	Value    *string  `json:"value"` // nil: it was erased
	Version  int64    `json:"version"`
	Replaces []string `json:"replaces"` // earlier layers that have the name, too
}

// getLayers shows which layer each config comes from, or that of one name. at is a moment, "" for
// now.
func (s *session) getLayers(ctx context.Context, layers []string, name, at string) error {
	found, err := s.readLayers(ctx, layers, name, at)
	if err != nil {
		return err
	}
	if name != "" && len(found.Configs) == 0 {
		return &ExitError{fault.ExitNotFound, fmt.Errorf("no layer has a config %s at %s", name, found.Position)}
	}
	v := view{object: found}
	t := &table{heading: []string{"NAME", "LAYER", "VERSION", "REPLACES", "VALUE"}, elastic: []int{0, 4}}
	for _, c := range found.Configs {
		v.names = append(v.names, c.Layer+"/"+c.Name)
		replaces := make([]string, len(c.Replaces))
		for i, layer := range c.Replaces {
			replaces[i] = s.shortName(layer)
		}
		value, others := "(erased)", strings.Join(replaces, ", ")
		if c.Value != nil {
			value = *c.Value
		}
		t.add(c.Name, s.shortName(c.Layer), strconv.FormatInt(c.Version, 10), orDash(&others), value)
	}
	if len(found.Configs) == 0 {
		s.note("the layers have no configs that you may see")
	}
	v.table = s.showTable(t)
	return s.show(v)
}

// readLayers reads the layers, all of one position. A later one replaces what an earlier one has.
func (s *session) readLayers(ctx context.Context, layers []string, name, at string) (layered, error) {
	var found layered
	seen := map[string]layeredConfig{} // :: name below its layer → its config
	if len(layers) > client.MaxLayers {
		return found, UsageErrorf("--layers has %d prefixes; at most %d are allowed", len(layers), client.MaxLayers)
	}
	for i, layer := range layers {
		layer, err := s.fullName(strings.TrimSuffix(layer, "/"))
		switch {
		case err != nil:
			return found, err
		case slices.Contains(layers[:i], layers[i]):
			return found, UsageErrorf("--layers has %s twice", printable(layers[i]))
		}
		of, err := s.client.Configs(ctx, rest.List{Prefix: firstOf(joined(layer, name), layer), At: at, Full: true}, func(c rest.Config) error {
			below, is := strings.CutPrefix(c.Name, layer+"/")
			if !is || name != "" && below != name {
				return nil // the config of the prefix itself, or one further below
			}
			one := layeredConfig{Name: below, Layer: layer, Value: c.Value, Version: c.Version, Replaces: []string{}}
			if earlier, is := seen[below]; is {
				one.Replaces = append(earlier.Replaces, earlier.Layer)
			}
			seen[below] = one
			return nil
		})
		if err != nil {
			return found, err
		}
		at = of // the other layers are of the same position
	}
	found.Position, found.Configs = at, make([]layeredConfig, 0, len(seen))
	for _, below := range slices.Sorted(maps.Keys(seen)) {
		found.Configs = append(found.Configs, seen[below])
	}
	return found, nil
}

// joined returns a name below a prefix, "" when there is no name.
func joined(prefix, name string) string {
	if name == "" {
		return ""
	}
	return prefix + "/" + name
}
