package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/config"
	"configapi/internal/fault"
	"configapi/internal/fileformat"
)

// exportFlags say what becomes of configs in a file.
type exportFlags struct {
	format, file, at, separator string
	maps                        []string
	declare                     bool
}

func newExport(env Env) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:     "export [PREFIX]",
		Short:   "write configs to a file",
		GroupID: GroupMove,
		Args:    words(0, 1),
		Long: `Writes the configs at or below PREFIX, or all of them, as they are at one
position. JSON and YAML have the names as they are, and ` + "`configapi import`" + `
reads them back. A dotenv, shell or docker-env file has variables: what follows
PREFIX, in upper case, with _ for all characters but letters and digits.

What a format cannot hold is refused, with the names. docs/files.md says how
each of them quotes.`,
		Example: `  configapi export payments --format dotenv --file .env
  configapi export payments --format yaml --declare
  configapi export --at 2024-01-15 --format json`,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the file: "+formatNames(fileformat.Writable())+"; default by the name of --file, or json")
	flags.StringVar(&f.file, "file", "", "`FILE` to write, which only its owner may read; default is standard output")
	flags.StringVar(&f.at, "at", "", "`MOMENT` to look back at: a position, a time or an age such as 2h")
	flags.StringArrayVar(&f.maps, "map", nil, "`NAME=VARIABLE`: give the config NAME that variable; may be given several times")
	flags.StringVar(&f.separator, "separator", "_", "`TEXT` that stands for / in variables")
	flags.BoolVar(&f.declare, "declare", false, "write JSON or YAML that declares PREFIX, so that `configapi apply --prune` may delete what it does not have")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		return s.export(ctx, f, strings.TrimSuffix(firstOf(args...), "/"))
	})
}

func (s *session) export(ctx context.Context, f exportFlags, prefix string) error {
	format, err := f.formatToWrite(prefix)
	if err != nil {
		return err
	}
	when, err := parseMoment(f.at, s.env.Time())
	if err != nil {
		return err
	}
	settings, err := s.settingsAt(ctx, prefix, when)
	if err != nil {
		return err
	}
	if len(settings) == 0 && prefix != "" {
		return s.noneBelow(s.fullPrefix(prefix)) // a mistyped PREFIX must not empty a file
	}
	text, err := f.write(format, prefix, settings)
	if err != nil {
		return cannotExport(err)
	}
	if f.file == "" {
		return s.printFile(text)
	}
	if err := replaceFile(f.file, text); err != nil {
		return UsageErrorf("writing the file: %w", err)
	}
	s.note("%s written to %s", were(len(settings), "config"), f.file)
	return nil
}

// formatToWrite returns the format of the file.
func (f *exportFlags) formatToWrite(prefix string) (format fileformat.Format, err error) {
	switch {
	case f.format != "":
		format, err = fileformat.Parse(f.format, fileformat.Writable())
	case f.file != "":
		if format, err = fileformat.Detect(f.file, nil); err != nil {
			err = fmt.Errorf("the name of the file does not say its format; give --format, one of %s", formatNames(fileformat.Writable()))
		} else {
			format, err = fileformat.Parse(string(format), fileformat.Writable())
		}
	default:
		format = fileformat.JSON
	}
	declares := format == fileformat.JSON || format == fileformat.YAML
	switch {
	case err != nil:
		return "", UsageErrorf("%w", err)
	case f.declare && (!declares || prefix == ""):
		return "", UsageErrorf("--declare needs PREFIX and the format json or yaml")
	case declares && len(f.maps) > 0:
		return "", UsageErrorf("--map gives variables, and %s has names as they are", format)
	}
	return format, nil
}

// settingsAt returns the configs at or below a prefix, with the names that the command line has for
// them. What the context's prefix does not have below it is left out.
func (s *session) settingsAt(ctx context.Context, prefix, when string) ([]fileformat.Setting, error) {
	var settings []fileformat.Setting
	var erased []string
	_, err := s.client.Configs(ctx, rest.List{Prefix: s.fullPrefix(prefix), At: when}, func(c rest.Config) error {
		name, err := config.ParseName(s.shortName(c.Name))
		switch {
		case err != nil:
			return fmt.Errorf("the server sent a name that is none: %w", err)
		case c.Name == s.target.Prefix:
		case c.Value == nil:
			erased = append(erased, name.String())
		default:
			settings = append(settings, fileformat.Setting{Name: name, Value: *c.Value})
		}
		return nil
	})
	if err == nil && len(erased) > 0 {
		err = fmt.Errorf("%w: %s; export a later moment", fault.ErrErased, strings.Join(erased, ", "))
	}
	return settings, err
}

// write returns the file.
func (f *exportFlags) write(format fileformat.Format, prefix string, settings []fileformat.Setting) ([]byte, error) {
	if format.HasVariables() {
		variables, err := fileformat.ParseMap(f.maps)
		if err != nil {
			return nil, err
		}
		entries, err := fileformat.Variables{Prefix: prefix, Map: variables, Separator: f.separator}.Entries(settings)
		if err != nil {
			return nil, err
		}
		return fileformat.Write(format, entries)
	}
	entries := make([]fileformat.Entry, 0, len(settings))
	for _, setting := range settings {
		key := setting.Name.String()
		if f.declare {
			if key == prefix {
				return nil, fmt.Errorf("%s is a config itself, and a file that declares the prefix has only what is below it; leave --declare out", prefix)
			}
			key = fileformat.Below(prefix, setting.Name)
		}
		entries = append(entries, fileformat.Entry{Key: key, Value: setting.Value})
	}
	if f.declare {
		return fileformat.WriteDeclaration(format, prefix, entries)
	}
	return fileformat.Write(format, entries)
}

// cannotExport is the error of configs that the format cannot hold.
func cannotExport(err error) error {
	if _, is := errors.AsType[*fileformat.Error](err); is {
		text := "no file was written, since the format cannot hold all of it:\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  ")
		err = &explained{err, text}
	}
	return &ExitError{fault.ExitInvalid, err}
}

// printFile prints a file, on a terminal only when it cannot drive it.
func (s *session) printFile(text []byte) error {
	if _, isTerminal := s.env.Width(s.env.Stdout); isTerminal && harmless(string(text)) != string(text) {
		return UsageErrorf("a value has control characters, which a terminal would carry out; give --file, or json or yaml, which write them in letters")
	}
	return s.print(text)
}

// replaceFile writes a file that only its owner may read, whole or not at all.
func replaceFile(name string, text []byte) (err error) {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "replace", Path: name, Err: errors.New("it is no regular file; leave --file out and redirect the output")}
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".configapi-export-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it has its name
	_, err = file.Write(text)
	if syncErr := file.Sync(); err == nil {
		err = syncErr
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	return err
}
