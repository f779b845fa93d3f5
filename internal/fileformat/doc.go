// Package fileformat turns files into names with values, and back.
//
// It is pure: bytes go in, bytes come out. Nothing is read from a disk, nothing is run, and nothing
// in a file is replaced or expanded: a reference such as $HOME is refused or kept as it is.
//
// [Read] returns the keys and the values of a file, [Write] makes a file of them. [Naming] turns
// the keys of a file into names of configs, and [Variables] turns names into the variables of an
// environment.
//
// No value and no key is changed in silence. What a format cannot hold, what its readers do not
// read alike, and what is no valid name or value is refused: all of it at once, in one [*Error],
// with the lines and with what to do. What a file holds besides, such as the flags of Consul, is
// left out, and [File.Notes] says so.
//
// All that a file can make grow is bounded: a file has at most [MaxFileBytes], its nesting at most
// [MaxDepth]. Reading takes time and memory in proportion to the size of the file.
package fileformat

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	// MaxFileBytes is the longest file: 64 MiB.
	MaxFileBytes = 64 << 20
	// MaxDepth is how many objects of JSON or YAML may be inside of each other.
	MaxDepth = 32
)

// Format is a format of files, by the name that users give it.
type Format string

// The formats. Dotenv is what all of its readers read alike; DotenvNode and DotenvCompose follow
// the rules of npm's dotenv and of docker compose where those differ.
const (
	JSON          Format = "json"
	YAML          Format = "yaml"
	Dotenv        Format = "dotenv"
	DotenvNode    Format = "dotenv-node"
	DotenvCompose Format = "dotenv-compose"
	Shell         Format = "shell"
	DockerEnv     Format = "docker-env"
	Properties    Format = "properties"
	Consul        Format = "consul"
	Etcd          Format = "etcd"
)

// codec reads and writes a format.
type codec struct {
	format    Format
	variables bool                           // its keys are variables of an environment
	read      func(*reader, []byte, Options) // adds what it finds to the reader
	write     func(*writer, []Entry)         // nil when the format is read alone
}

var codecs = []codec{
	{JSON, false, readJSON, writeJSON},
	{YAML, false, readYAML, writeYAML},
	{Dotenv, true, readDotenv(Dotenv), writeDotenv(Dotenv)},
	{DotenvNode, true, readDotenv(DotenvNode), writeDotenv(DotenvNode)},
	{DotenvCompose, true, readDotenv(DotenvCompose), writeDotenv(DotenvCompose)},
	{Shell, true, readShell, writeShell},
	{DockerEnv, true, readDockerEnv, writeDockerEnv},
	{Properties, false, readProperties, nil},
	{Consul, false, readConsul, nil},
	{Etcd, false, readEtcd, nil},
}

// Readable returns all formats, Writable those that [Write] takes.
func Readable() []Format { return formats(func(codec) bool { return true }) }

// Writable returns the formats that [Write] takes.
func Writable() []Format { return formats(func(c codec) bool { return c.write != nil }) }

func formats(which func(codec) bool) []Format {
	var found []Format
	for _, c := range codecs {
		if which(c) {
			found = append(found, c.format)
		}
	}
	return found
}

// Parse returns the format with that name. among are those that the caller can use; the error names
// them.
func Parse(name string, among []Format) (Format, error) {
	if slices.Contains(among, Format(name)) {
		return Format(name), nil
	}
	names := make([]string, len(among))
	for i, format := range among {
		names[i] = string(format)
	}
	return "", fmt.Errorf("there is no format %q here; give one of %s", name, strings.Join(names, ", "))
}

// HasVariables reports whether the keys of the format are variables of an environment: letters,
// digits and _ alone. Such a file is made of [Variables.Entries].
func (f Format) HasVariables() bool { return f.codec().variables }

// codec panics for a format that is none of the constants.
func (f Format) codec() codec {
	i := slices.IndexFunc(codecs, func(c codec) bool { return c.format == f })
	return codecs[i]
}

// Entry is a key of a file with its value.
type Entry struct {
	Key, Value string
	Line       int // where the file has it, from 1; 0 when the format has no lines
}

// File is what a file holds.
type File struct {
	// Entries are in the order of the file. Each has another key.
	Entries []Entry
	// Declares says that the file has the members prefix and values: the entries are all that is
	// below Prefix, and their keys are the rest of their names.
	Declares bool
	Prefix   string
	// Notes says in sentences what the file holds besides and what is not among the entries.
	Notes []string
}

// Options of [Read]. The zero value is the strictest.
type Options struct {
	// Nested joins the keys of objects that are inside of each other with /. Without it a value
	// that is an object is refused. It concerns JSON and YAML.
	Nested bool
}

// Read returns what a file holds. The error is an [*Error] with all that is wrong.
func Read(format Format, data []byte, options Options) (*File, error) {
	r := &reader{problems: problems{format: format}, lines: map[string]int{}}
	if r.isText(data) {
		format.codec().read(r, bytes.TrimPrefix(data, []byte(byteOrderMark)), options)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return &r.file, nil
}

// Write returns a file that holds the entries, in their order. Their keys must differ. A file that
// the package writes is read with the same entries. The error is an [*Error] with all that the
// format cannot hold.
func Write(format Format, entries []Entry) ([]byte, error) {
	return (&writer{problems: problems{format: format}}).write(entries)
}

// WriteDeclaration is Write for a file that declares its prefix, see [File.Declares]: the keys of
// the entries are the rest of their names. The format is JSON or YAML, and the prefix not empty.
func WriteDeclaration(format Format, prefix string, entries []Entry) ([]byte, error) {
	return (&writer{problems: problems{format: format}, prefix: &prefix}).write(entries)
}
