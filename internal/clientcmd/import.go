package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"configapi/client/rest"
	"configapi/internal/fault"
	"configapi/internal/fileformat"
)

// importFlags say how a file becomes names with values.
type importFlags struct {
	format, prefix, separator string
	maps                      []string
	lower, nested             bool
	restoreDeleted            bool
}

func (f *importFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the file: "+formatNames(fileformat.Readable())+"; default by its name, or by what it holds")
	flags.StringVar(&f.prefix, "prefix", "", "`PREFIX` that comes before each name")
	flags.StringArrayVar(&f.maps, "map", nil, "`OLD=NEW`: give the key OLD the name NEW; OLD/=NEW/ does so with all keys that begin with OLD/; may be given several times")
	flags.StringVar(&f.separator, "separator", "", "`TEXT` in keys that becomes /, such as __ or .")
	flags.BoolVar(&f.lower, "lower", false, "make the letters of keys lower case")
	flags.BoolVar(&f.nested, "nested", false, "join the keys of objects in JSON and YAML with /")
	flags.BoolVar(&f.restoreDeleted, "restore-deleted", false, "bring a deleted config back with the value of the file, instead of failing")
}

func newImport(env Env) *cobra.Command {
	var write writeFlags
	var f importFlags
	cmd := &cobra.Command{
		Use:     "import FILE|-",
		Short:   "set configs from a file",
		GroupID: GroupMove,
		Args:    words(1, 1),
		Long: `Gives configs the values of a file, all together: a .env file, JSON, YAML, a
file to source, one of docker, .properties, and what ` + "`consul kv export`" + ` and
` + "`etcdctl get --prefix -w json`" + ` write. Names are the keys of the file, below
PREFIX. Configs that have their value already are left as they are, and so are
those that the file does not name. docs/files.md says what is read, and what is
refused.

More than 1,000 settings are made in several change sets. If the command stops
between two of them, run it again.`,
		Example: `  configapi import .env --prefix payments -m "settings of the old host"
  configapi import settings.yaml --dry-run
  configapi import app.properties --prefix app --separator .`,
	}
	write.addTo(cmd.Flags())
	f.addTo(cmd.Flags())
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		settings, err := s.readSettings(f, args[0])
		if err != nil {
			return err
		}
		b := &bulk{restoreDeleted: f.restoreDeleted}
		for _, setting := range settings {
			b.changes = append(b.changes, rest.Change{Set: &rest.Set{Name: setting.Name.String(), Value: setting.Value, OnlyIfChanged: true}})
		}
		write.secret = true
		return s.applyAll(ctx, write, b)
	})
}

// readSettings returns the settings of a file, with their whole names.
func (s *session) readSettings(f importFlags, name string) ([]fileformat.Setting, error) {
	naming := fileformat.Naming{Prefix: s.fullPrefix(f.prefix), Separator: f.separator, Lower: f.lower}
	var err error
	if naming.Map, err = fileformat.ParseMap(f.maps); err != nil {
		return nil, UsageErrorf("%w", err)
	}
	data, err := s.readInput(name)
	if err != nil {
		return nil, err
	}
	format, err := formatOf(f.format, name, data)
	if err != nil {
		return nil, err
	}
	file, err := fileformat.Read(format, data, fileformat.Options{Nested: f.nested})
	if err != nil {
		return nil, invalidFile(name, err)
	}
	for _, note := range file.Notes {
		s.note("note: %s", note)
	}
	if file.Declares {
		naming.Prefix = strings.TrimPrefix(strings.TrimSuffix(naming.Prefix, "/")+"/"+file.Prefix, "/")
	}
	settings, err := naming.Settings(file.Entries)
	if err != nil {
		return nil, invalidFile(name, err)
	}
	return settings, nil
}

// readInput reads a file, or standard input for -.
func (s *session) readInput(name string) (data []byte, err error) {
	if name == "-" {
		data, err = readAll(s.env.Stdin, fileformat.MaxFileBytes)
	} else {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return nil, UsageErrorf("%s is a folder; `configapi apply -f` takes one", name)
		}
		data, err = readFile(name, fileformat.MaxFileBytes)
	}
	switch {
	case errors.Is(err, errInterrupted):
		return nil, err
	case err != nil:
		return nil, UsageErrorf("reading the file: %w", err)
	}
	return data, nil
}

// formatOf returns the format that a flag names, or that of a file.
func formatOf(flag, name string, data []byte) (format fileformat.Format, err error) {
	if flag != "" {
		format, err = fileformat.Parse(flag, fileformat.Readable())
	} else if format, err = fileformat.Detect(strings.TrimPrefix(name, "-"), data); err != nil {
		err = fmt.Errorf("%w, one of %s", err, formatNames(fileformat.Readable()))
	}
	if err != nil {
		return "", UsageErrorf("%w", err)
	}
	return format, nil
}

// invalidFile is the error of a file that cannot be taken, with all that is wrong.
func invalidFile(name string, err error) error {
	text := fmt.Sprintf("nothing was written, since %s cannot be taken:", inputName(name))
	if problems, is := errors.AsType[*fileformat.Error](err); is && len(problems.Problems) == 1 {
		text += " " + err.Error()
	} else {
		text += "\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  ")
	}
	return &ExitError{fault.ExitInvalid, &explained{err, text}}
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

func formatNames(formats []fileformat.Format) string {
	names := make([]string, len(formats))
	for i, format := range formats {
		names[i] = string(format)
	}
	return strings.Join(names, ", ")
}
