package clientcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"configapi/client"
	"configapi/internal/configtemplate"
)

// comparedFile is a file that a dry run would write, or not.
type comparedFile struct {
	Template string `json:"template"`
	Out      string `json:"out"`
	Position string `json:"position"`
	Differs  bool   `json:"differs"`
}

// compare prints how the files differ from what would be written.
func (r *renderer) compare(ctx context.Context, s *client.Snapshot) error {
	texts, err := r.texts(ctx, s)
	if err != nil {
		return err
	}
	var found []comparedFile
	v := view{}
	var page bytes.Buffer
	for i, p := range r.pages {
		old, exists, err := readOut(p.out)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p.out, err)
		}
		differs := !exists || !bytes.Equal(old, texts[i])
		found = append(found, comparedFile{p.source, p.out, s.Position(), differs})
		if !differs {
			continue
		}
		v.names = append(v.names, p.out)
		paint, was := r.painter(), ""
		if !exists {
			was = " does not exist"
		}
		fmt.Fprintln(&page, paint('-', "--- "+printable(p.out)+was))
		fmt.Fprintln(&page, paint('+', "+++ "+printable(p.out)+" at "+s.Position()))
		r.writeLines(&page, paint, string(old), string(texts[i]))
	}
	v.object = found
	v.table = func(out io.Writer) error {
		_, err := page.WriteTo(out)
		return err
	}
	differing := len(v.names)
	if err := r.show(v); err != nil || differing == 0 {
		return err
	}
	if differing == 1 {
		return Differs("1 file differs; nothing was written: this is a dry run at %s", s.Position())
	}
	return Differs("%d files differ; nothing was written: this is a dry run at %s", differing, s.Position())
}

// readOut returns the content of a file, and whether it exists.
func readOut(path string) (text []byte, exists bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case !info.Mode().IsRegular():
		return nil, false, errors.New("it is no regular file, and cannot be replaced")
	}
	text, err = readFile(path, configtemplate.MaxOutputBytes)
	return text, true, err
}
