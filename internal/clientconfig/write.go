package clientconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
)

// Write writes the file anew, for the user alone: it is the old one or the new one at any moment.
// Comments stay with what they are about. The folder is made if it is missing.
func (f *File) Write() error {
	if f.path == "" {
		return errors.New("there is no folder for the file of contexts: set HOME, or name the file with CONFIGAPI_CONFIG")
	}
	text, err := yaml.MarshalWithOptions(f, yaml.WithComment(f.comments))
	if err != nil {
		return fmt.Errorf("writing the file of contexts: %w", err)
	}
	path := f.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays one
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the file of contexts: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("writing the file of contexts: %w", err)
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("writing the file of contexts: %w", err)
	}
	return nil
}

// replace writes a file beside the one of a path, and gives it its name.
func replace(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".config-*.yaml") // has the mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
