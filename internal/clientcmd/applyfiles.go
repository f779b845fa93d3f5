package clientcmd

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"configapi/internal/config"
	"configapi/internal/fault"
	"configapi/internal/fileformat"
)

// maxFiles is how many files a folder may have.
const maxFiles = 10_000

// read reads files and folders.
func (d *desired) read(names []string) error {
	for _, name := range names {
		if name == "-" {
			data, err := d.readInput(name)
			if err == nil {
				err = d.add(name, data)
			}
			if err != nil {
				return err
			}
			continue
		}
		info, err := os.Stat(name) // a link on the command line is followed
		switch {
		case err != nil:
			return UsageErrorf("reading files: %w", err)
		case info.IsDir():
			err = d.readFolder(name)
		case !info.Mode().IsRegular(): // to open a named pipe would wait
			err = UsageErrorf("%s is no regular file; give - for standard input", name)
		default:
			err = d.readRegular(name, func() (*os.File, error) { return os.Open(name) })
		}
		if err != nil {
			return err
		}
	}
	if d.ignored > 0 {
		d.note("note: %s left out, since the name ends with neither .json, .yaml nor .yml", are(d.ignored, "file"))
	}
	return nil
}

// readFolder reads the files of a folder, by name. Nothing outside of the folder is read: a
// symbolic link in it is refused, and so is all that is no regular file. They are not skipped,
// since then --prune would delete what they have.
func (d *desired) readFolder(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return UsageErrorf("reading files: %w", err)
	}
	defer root.Close()
	found, before := 0, len(d.names)
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		shown := filepath.Join(folder, filepath.FromSlash(name))
		switch {
		case err != nil:
			return UsageErrorf("reading files: %w", err)
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return UsageErrorf("%s is a link or no regular file, which is not read in a folder; name it with a -f of its own, or move it out", shown)
		case !isOfApply(name):
			d.ignored++
			return nil
		}
		if found++; found > maxFiles {
			return UsageErrorf("%s has more than %d files; give -f for folders below it", folder, maxFiles)
		}
		return d.readRegular(shown, func() (*os.File, error) { return root.Open(name) })
	})
	if err == nil && found == 0 && len(d.names) == before {
		err = UsageErrorf("%s has no file that ends with .json, .yaml or .yml", folder)
	}
	return err
}

// isOfApply reports whether the name of a file is one of JSON or YAML.
func isOfApply(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".yaml", ".yml":
		return true
	}
	return false
}

// readRegular reads a file that is not larger than what is left for all of them.
func (d *desired) readRegular(name string, open func() (*os.File, error)) error {
	if !isOfApply(filepath.ToSlash(name)) {
		return UsageErrorf("%s ends with neither .json, .yaml nor .yml; `configapi import` reads other formats", name)
	}
	file, err := open()
	if err != nil {
		return UsageErrorf("reading files: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return UsageErrorf("%s is no regular file", name)
	}
	left := fileformat.MaxFileBytes - d.bytes
	data, err := io.ReadAll(io.LimitReader(file, left+1))
	switch {
	case err != nil:
		return UsageErrorf("reading files: %w", err)
	case int64(len(data)) > left:
		return UsageErrorf("the files have more than %d bytes together; apply them in parts", int64(fileformat.MaxFileBytes))
	}
	d.bytes += int64(len(data))
	return d.add(name, data)
}

// add adds what a file says.
func (d *desired) add(name string, data []byte) error {
	format := fileformat.YAML
	if found, err := fileformat.Detect(strings.TrimPrefix(name, "-"), data); err == nil && found == fileformat.JSON {
		format = found
	}
	file, err := fileformat.Read(format, data, fileformat.Options{Nested: d.nested})
	if err != nil {
		return invalidFile(name, err)
	}
	prefix := d.fullPrefix("")
	if file.Declares {
		prefix = d.fullPrefix(strings.TrimSuffix(file.Prefix, "/"))
		if _, err := config.ParseName(prefix); err != nil {
			return invalidFile(name, fmt.Errorf("the declared prefix %q: %w", file.Prefix, err))
		}
		d.prefixes = append(d.prefixes, prefix)
	}
	settings, err := fileformat.Naming{Prefix: prefix}.Settings(file.Entries)
	if err != nil {
		return invalidFile(name, err)
	}
	for _, setting := range settings {
		whole := setting.Name.String()
		if other, is := d.values[whole]; is {
			return &ExitError{fault.ExitInvalid, fmt.Errorf("nothing was written: %s: %s", inputName(name), alreadyIn(d.shortName(whole), inputName(other.file)))}
		}
		d.names = append(d.names, whole)
		d.values[whole] = desiredValue{setting.Value, name}
	}
	return nil
}
