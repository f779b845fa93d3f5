package sqlite

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"configapi/internal/eventstore"
)

// verifiedSuffix names the file that keeps how far the history was verified. It lies beside the
// database and not in it, so that keeping it delays no append. It may be lost at any time.
const verifiedSuffix = ".verified"

// verifiedFile is the content of that file, as JSON.
type verifiedFile struct {
	Position   eventstore.Seq `json:"position"`
	Hash       string         `json:"hash"`
	VerifiedAt time.Time      `json:"verified_at"`
}

// ReadVerified returns the head that was kept last, or the zero Head if none was, or if the file is
// damaged.
func (s *Store) ReadVerified(context.Context) (head eventstore.Head, err error) {
	file, err := databasePath(s.path)
	if err != nil {
		return head, err
	}
	text, err := os.ReadFile(file + verifiedSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return head, nil
	}
	if err != nil {
		return head, fmt.Errorf("reading how far the history was verified: %w", err)
	}
	var kept verifiedFile
	hash, err := []byte(nil), json.Unmarshal(text, &kept)
	if err == nil {
		hash, err = hex.DecodeString(kept.Hash)
	}
	if err != nil || len(hash) != len(head.Hash) {
		return head, nil
	}
	return eventstore.Head{Seq: kept.Position, Hash: eventstore.Hash(hash)}, nil
}

// KeepVerified keeps a head. The file is replaced as a whole.
func (s *Store) KeepVerified(_ context.Context, head eventstore.Head) error {
	if s.writer == nil {
		return errReadOnly
	}
	text, err := json.Marshal(verifiedFile{head.Seq, hex.EncodeToString(head.Hash[:]), time.Now().UTC()})
	if err != nil {
		return err
	}
	file := s.writer.file + verifiedSuffix
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("keeping how far the history is verified: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("keeping how far the history is verified: %w", err)
	}
	return nil
}
