package clientcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// cursor is a file that keeps the position up to which a watch has come, as one object of JSON. It
// belongs to one server and one prefix, and its position to one history, since it has a part of the
// hash of that: the server refuses it in another one.
type cursor struct {
	path     string
	URL      string `json:"url"`
	Prefix   string `json:"prefix"`
	Position string `json:"position"`
}

// maxCursorBytes is the longest file that can be a cursor.
const maxCursorBytes = 4 << 10

// read returns the position that the file has, "" when there is no file. A file that is no cursor,
// or that of another watch, is an error: to go on from a wrong position would lose changes.
func (c *cursor) read() (position string, err error) {
	text, err := readFile(c.path, maxCursorBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", UsageErrorf("reading the cursor: %w", err)
	}
	kept := cursor{path: c.path}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&kept); err != nil || in.More() || !positionForm.MatchString(kept.Position) {
		return "", UsageErrorf("%s is no cursor of a watch: name another file, or remove it to begin anew", printable(c.path))
	}
	if kept.URL != c.URL || kept.Prefix != c.Prefix {
		return "", UsageErrorf("%s is the cursor of another watch, of %s at %s: name another file, or remove it to begin anew",
			printable(c.path), allOr(kept.Prefix), printable(kept.URL))
	}
	c.Position = kept.Position
	return kept.Position, nil
}

// allOr names the configs below a prefix.
func allOr(prefix string) string {
	if prefix == "" {
		return "all configs"
	}
	return printable(prefix)
}

// write keeps a position. After it returns, the file survives a loss of power; whatever happens
// before, the file is whole, and has this position or the one before.
func (c *cursor) write(position string) error {
	if position == c.Position {
		return nil
	}
	next := *c
	next.Position = position
	text, err := json.Marshal(next)
	if err == nil {
		err = keepFile(c.path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keeping the cursor: %w", err)
	}
	c.Position = position
	return nil
}

// keepFile gives a file, which only the user may read, another content, which is safe on the disk
// then. What a killed watch has begun is removed by the next one.
func keepFile(path string, text []byte) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // never through a link
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
