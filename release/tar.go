package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is a file or a folder of an archive. Folders have no content, and a mode with fs.ModeDir.
type entry struct {
	name    string // without a leading slash
	mode    fs.FileMode
	owner   int // user and group
	content []byte
}

// folder and file return entries of root.
func folder(name string) entry { return entry{name: name, mode: fs.ModeDir | 0o755} }

func file(name string, mode fs.FileMode, content []byte) entry {
	return entry{name: name, mode: mode, content: content}
}

// withParents adds the folders that entries are in, and sorts all of them, folders before what
// is in them.
func withParents(entries []entry) []entry {
	known := map[string]bool{".": true}
	for _, e := range entries {
		known[e.name] = true
	}
	all := slices.Clone(entries)
	for _, e := range entries {
		for parent := path.Dir(e.name); !known[parent]; parent = path.Dir(parent) {
			known[parent] = true
			all = append(all, folder(parent))
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all
}

// tarOf returns an archive of entries, all of which were changed at one time. prefix stands before
// their names.
func tarOf(prefix string, when time.Time, entries []entry) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, e := range withParents(entries) {
		header := &tar.Header{
			Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: prefix + e.name, Size: int64(len(e.content)),
			Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner, ModTime: when.Truncate(time.Second),
		}
		if e.mode&fs.ModeSticky != 0 {
			header.Mode |= 0o1000
		}
		if e.mode.IsDir() {
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return archive.Bytes(), err
}

// compressed returns content in the format of gzip, without a name and a time.
func compressed(content []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}
