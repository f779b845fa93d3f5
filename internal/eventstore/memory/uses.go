package memory

import (
	"context"
	"maps"
	"slices"

	"configapi/internal/eventstore"
)

// KeepUses notes when secrets were used.
func (s *Store) KeepUses(ctx context.Context, uses []eventstore.Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, use := range uses {
		if use.At.After(s.uses[use.Secret]) {
			s.uses[use.Secret] = use.At
		}
	}
	return nil
}

// DropUses removes what is noted of secrets.
func (s *Store) DropUses(ctx context.Context, secrets []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		delete(s.uses, secret)
	}
	return nil
}

// ReadUses returns what is noted of the secrets after one.
func (s *Store) ReadUses(ctx context.Context, after string) (uses []eventstore.Use, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range slices.Sorted(maps.Keys(s.uses)) {
		if secret > after && len(uses) < eventstore.MaxUses {
			uses = append(uses, eventstore.Use{Secret: secret, At: s.uses[secret]})
		}
	}
	return uses, nil
}
