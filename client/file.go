package client

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A file has the configs of one position, in lines of JSON:
//
//	a fileHead
//	a fileConfig for each config of each layer, by layer and name
//	a fileEnd, whose sum is the SHA-256 of all lines before
//
// Nothing of it is used unless all of it is there.
type fileHead struct {
	Format    string    `json:"format"`
	URL       string    `json:"url"`
	Prefixes  []string  `json:"prefixes"`
	Layers    bool      `json:"layers"`
	Token     string    `json:"token"` // its public id, or a digest of another text; "": there is none
	Position  string    `json:"position"`
	CurrentAt time.Time `json:"currentAt"`
}

type fileConfig struct {
	Layer     int       `json:"layer"` // its index
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	Version   int64     `json:"version"`
	Position  string    `json:"position"`
	UpdatedAt time.Time `json:"updatedAt"`
}

type fileEnd struct {
	Configs int    `json:"configs"`
	Sum     string `json:"sum"`
}

const (
	fileFormat = "configapi client 1"
	// fileInterval is how often the file is written at most, and fileRefresh how often when the
	// position alone moves on.
	fileInterval = time.Second
	fileRefresh  = time.Minute
	// temporarySuffix is in the names of files that are being written. One that is older than
	// leftoverAge is not written any more.
	temporarySuffix = ".new-"
	leftoverAge     = 10 * time.Minute
)

// publicIDDigits is the length of the public id of a secret: cfg_ + public id + _ + key.
const publicIDDigits = 22

// nameOfToken returns what the file has of a token: what may be shown, but says which one it is.
func nameOfToken(token string) string {
	if rest, is := strings.CutPrefix(token, "cfg_"); is && len(rest) > publicIDDigits && rest[publicIDDigits] == '_' {
		return rest[:publicIDDigits]
	}
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

// headOf returns the head of a file, without its position, of configs that were read with a token
// of a name.
func headOf(o *Options, token string) fileHead {
	return fileHead{Format: fileFormat, URL: strings.TrimSuffix(o.URL, "/"), Prefixes: o.prefixes(), Layers: len(o.Layers) > 0, Token: token}
}

// touchFile has the newest configs written to the file.
func (c *Client) touchFile() { signal(c.dirty) }

// encode writes a snapshot.
func (h fileHead) encode(to io.Writer, s *Snapshot) error {
	sum := sha256.New()
	out := json.NewEncoder(io.MultiWriter(to, sum))
	out.SetEscapeHTML(false)
	h.Position, h.CurrentAt = s.position, s.currentAt.UTC()
	err := out.Encode(h)
	n := 0
	for i, t := range s.layers.each {
		for config := range t.all() {
			if err != nil {
				return err
			}
			n++
			err = out.Encode(fileConfig{i, config.Name, config.Value, config.Version, config.Position, config.UpdatedAt.UTC()})
		}
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(fileEnd{n, hex.EncodeToString(sum.Sum(nil))})
}

// writeFile replaces the file by one that has a snapshot. It has the new content or the old one,
// whenever the machine stops.
func writeFile(path string, head fileHead, s *Snapshot) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+temporarySuffix+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temporary.Close()
			_ = os.Remove(temporary.Name())
		}
	}()
	out := bufio.NewWriterSize(temporary, 64<<10)
	if err := head.encode(out, s); err != nil {
		return err
	}
	if err := errors.Join(out.Flush(), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// removeLeftovers removes what was begun beside the file by processes that were killed meanwhile.
func removeLeftovers(path string) {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+temporarySuffix+"*"))
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()).Abs() > leftoverAge {
			_ = os.Remove(name)
		}
	}
}

func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // which has no such call
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// readFile returns the configs of the file. The error says why they cannot be used.
func readFile(o *Options, token string) (*Snapshot, error) {
	file, err := os.Open(o.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s to start from", o.File)
	}
	if err != nil {
		return nil, fmt.Errorf("the file to start from: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("the file to start from: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file to start from", o.File)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("the file %s is not used: others may write it; give it the mode 0600", o.File)
	}
	s, err := decode(file, o, token)
	if err != nil {
		return nil, fmt.Errorf("the file %s is not used: %w", o.File, err)
	}
	return s, nil
}

var errDamaged = errors.New("it is damaged, or was not written by this client")

// decode reads a whole file.
func decode(from io.Reader, o *Options, token string) (*Snapshot, error) {
	lines := &fileLines{in: bufio.NewReaderSize(from, 64<<10), sum: sha256.New(), left: 7*o.MaxBytes + 64<<20}
	var head fileHead
	if err := lines.next(&head); err != nil {
		return nil, err
	}
	if err := head.fits(o, token); err != nil {
		return nil, err
	}
	configs := make([][]*Config, len(head.Prefixes))
	left := o.MaxBytes
	for n := 0; ; n++ {
		line, sum, err := lines.read()
		if err != nil {
			return nil, err
		}
		var end fileEnd
		if bytes.HasPrefix(line, []byte(`{"configs":`)) {
			if strictly(line, &end) != nil || end.Configs != n || end.Sum != sum || !lines.atEnd() {
				return nil, errDamaged
			}
			break
		}
		var config fileConfig
		if strictly(line, &config) != nil || config.Layer < 0 || config.Layer >= len(configs) {
			return nil, errDamaged
		}
		of := configs[config.Layer]
		if len(of) > 0 && of[len(of)-1].Name >= config.Name {
			return nil, errDamaged
		}
		if left -= int64(len(config.Name) + len(config.Value)); left < 0 {
			return nil, fmt.Errorf("%w: its names and values have more than %d bytes, which MaxBytes allows", ErrTooLarge, o.MaxBytes)
		}
		configs[config.Layer] = append(of, &Config{Name: config.Name, Value: config.Value, Version: config.Version, Position: config.Position,
			Layer: head.Prefixes[config.Layer], UpdatedAt: config.UpdatedAt})
	}
	return &Snapshot{position: head.Position, layers: newLayers(o, configs), token: head.Token, fromFile: true, currentAt: head.CurrentAt}, nil
}

// fits returns an error unless the file is of the same configs, read with the same token, and not
// too old.
func (h *fileHead) fits(o *Options, token string) error {
	want := headOf(o, nameOfToken(token))
	switch {
	case h.Format != want.Format:
		return errDamaged
	case h.URL != want.URL:
		return fmt.Errorf("it is of the server %s", h.URL)
	case h.Layers != want.Layers || !slices.Equal(h.Prefixes, want.Prefixes):
		return fmt.Errorf("it has the configs of %q", h.Prefixes)
	case h.Token != want.Token:
		return errors.New("its configs were read with another token")
	case seq(h.Position) == 0 && !strings.HasPrefix(h.Position, "0-"):
		return errDamaged
	}
	// A clock that was set back makes the file one of the future; then its age is not known either.
	if age := time.Since(h.CurrentAt).Abs(); o.MaxStale > 0 && age > o.MaxStale {
		return fmt.Errorf("it was current at %s, and MaxStale allows %v", h.CurrentAt.Format(time.RFC3339), o.MaxStale)
	}
	return nil
}

// fileLines are the lines of a file.
type fileLines struct {
	in   *bufio.Reader
	sum  hash.Hash // of the lines that were read
	left int64     // bytes that may be read
}

// read returns the next line, and the sum of those before it.
func (l *fileLines) read() (line []byte, sum string, err error) {
	for {
		part, err := l.in.ReadSlice('\n')
		if l.left -= int64(len(part)); l.left < 0 {
			return nil, "", fmt.Errorf("%w: it is longer than MaxBytes allows", ErrTooLarge)
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) {
			return nil, "", errDamaged
		}
		if err != nil {
			return nil, "", err
		}
		break
	}
	sum = hex.EncodeToString(l.sum.Sum(nil))
	_, _ = l.sum.Write(line)
	return line, sum, nil
}

func (l *fileLines) next(into any) error {
	line, _, err := l.read()
	if err == nil && strictly(line, into) != nil {
		err = errDamaged
	}
	return err
}

func (l *fileLines) atEnd() bool {
	_, err := l.in.ReadByte()
	return errors.Is(err, io.EOF)
}

// strictly decodes one JSON value, whose members must be known.
func strictly(line []byte, into any) error {
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	return in.Decode(into)
}
