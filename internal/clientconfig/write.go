package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Write writes the file anew, for the user alone: it is the old one or the new one at any moment.
// Comments stay with what they are about. The folder is made if it is missing.
func (f *File) Write() error {
	if f.path == "" {
		return errors.New("there is no folder for the file of contexts: set HOME, or name the file with CONFIGAPI_CONFIG")
	}
	text, err := f.format()
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

// format returns the file as YAML, with the comments that it had.
func (f *File) format() ([]byte, error) {
	page := yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{}}}
	if err := page.Content[0].Encode(f); err != nil {
		return nil, err
	}
	if f.read.Kind == yaml.DocumentNode {
		keepComments(&page, &f.read)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := errors.Join(encoder.Encode(&page), encoder.Close())
	return text.Bytes(), err
}

// keepComments gives a node, and what is below it, the comments of another one that is like it.
func keepComments(to, from *yaml.Node) {
	to.HeadComment, to.LineComment, to.FootComment = from.HeadComment, from.LineComment, from.FootComment
	switch {
	case to.Kind == yaml.DocumentNode:
		keepComments(to.Content[0], from.Content[0])
	case to.Kind == yaml.MappingNode && from.Kind == yaml.MappingNode:
		for i := 0; i < len(to.Content); i += 2 {
			for j := 0; j < len(from.Content); j += 2 {
				if to.Content[i].Value == from.Content[j].Value {
					keepComments(to.Content[i], from.Content[j])
					keepComments(to.Content[i+1], from.Content[j+1])
				}
			}
		}
	}
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
