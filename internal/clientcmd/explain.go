package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"configapi/client/rest"
	"configapi/internal/fault"
)

// explained is an error of the server with what to do next.
type explained struct {
	error
	text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.error }

// maxExplained is how many failures of a change set are shown.
const maxExplained = 20

// explain adds to an error of the server what it says in detail, and what to do next. An error that
// only says that ctx has ended says nothing else then.
func (s *session) explain(ctx context.Context, err error) error {
	failed, is := errors.AsType[*rest.Error](err)
	if _, done := errors.AsType[*explained](err); done {
		return err
	} else if !is {
		return Advised(err)
	}
	text := err.Error()
	if len(failed.Errors) > 0 {
		text = s.explainFailures(failed)
	}
	switch {
	case ctx.Err() != nil && failed.Outcome != rest.Unknown && failed.Status == 0:
		text = "interrupted"
	case s.target.Unsent != "" && (failed.Code == fault.Unauthenticated.Code() || failed.Code == fault.Denied.Code()):
		text += "; " + s.target.Unsent
	case advice(err) != "":
		text += "; " + advice(err)
	case failed.Outcome == rest.NotSent:
		text += fmt.Sprintf("; is %s the address of a server that runs?", s.target.URL)
	case failed.Code == fault.Unauthenticated.Code() && s.target.Token != "":
		text += "; `configapi token rotate` makes a new secret"
	case failed.Code == fault.RevertBlocked.Code():
		text += "\n--on-conflict skip undoes the rest, and --on-conflict overwrite all of it; `configapi log NAME` shows what came after"
	case failed.Code == fault.PositionUnknown.Code():
		text += "; `configapi log` shows the positions that there are"
	case failed.Code == fault.NotFound.Code() && len(failed.Errors) > 0:
		text += "; `configapi list` shows the configs that there are"
	case failed.Code == fault.VersionConflict.Code(), failed.Code == fault.Stale.Code():
		text += "\n`configapi get NAME -o json` shows what a config is now; decide again, and write with its version"
	}
	return &explained{err, strings.TrimSuffix(harmless(text), "\n")} // a server's texts must not drive the terminal
}

// Advised returns an error of the client with what a user can do about it, in the words of the
// command line. One about which there is nothing to say is returned as it is.
func Advised(err error) error {
	if text := advice(err); text != "" {
		return fmt.Errorf("%w; %s", err, text)
	}
	return err
}

func advice(err error) string {
	switch {
	case errors.Is(err, rest.ErrUseTLS):
		return "--insecure sends it all the same"
	case errors.Is(err, rest.ErrNoToken):
		return "put one into CONFIGAPI_TOKEN, or its file's name into CONFIGAPI_TOKEN_FILE"
	case errors.Is(err, rest.ErrRedirected):
		return "give that address with --url"
	}
	return ""
}

// explainFailures returns all reasons why a change set was rejected, one a line.
func (s *session) explainFailures(failed *rest.Error) string {
	if len(failed.Errors) == 1 {
		return "nothing was written: " + s.explainFailure(&failed.Errors[0])
	}
	var text strings.Builder
	fmt.Fprintf(&text, "nothing was written, for %d reasons:", len(failed.Errors))
	for i := range failed.Errors {
		if i == maxExplained {
			fmt.Fprintf(&text, "\n  … and %d more", len(failed.Errors)-i)
			break
		}
		text.WriteString("\n  " + s.explainFailure(&failed.Errors[i]))
	}
	return text.String()
}

func (s *session) explainFailure(f *rest.Failure) string {
	text, name := f.Message, f.Name
	if f.Current != nil {
		name = f.Current.Name
		text += fmt.Sprintf("; version %d is of %s", f.Current.Version, instant(f.Current.CommittedAt))
		if f.Current.Actor != nil {
			text += ", by " + *f.Current.Actor
		}
	}
	if name != "" && f.Action == "" { // a right that is missing is said to be missing on a name
		text = s.shortName(name) + ": " + text
	}
	return text
}
