package eventstore

import "errors"

// ErrReplaced is wrapped by errors of a store whose file was removed or replaced while it was open.
// Nothing can be written, and nothing that is read can be trusted, until the file is back or the
// process is started again.
var ErrReplaced = errors.New("the file of the history was removed or replaced while the server was running; its operator must put it back")
