package cli

import (
	"time"

	"configapi/graph"
	"configapi/internal/auth"
)

// settings are the settings of the server, from flags and the environment.
type settings struct {
	listen                   string
	store                    string
	listenDSN                string
	logFormat                string
	maxValueBytes            int
	hosts                    words // allowed hosts, besides the server's own
	origins                  words // allowed origins, besides the server's own
	trustedProxies           words
	tlsCert, tlsKey          string // files; both "": plain HTTP
	metricsListen            string // "": metrics have no address of their own
	maxConnections           int
	maxConnectionsPerAddress int // 0: no limit of its own
	maxAnswerBytes           int
	maxStreams               int
	maxStreamsPerAddress     int // 0: no limit of its own
	allowAnonymous           bool
	anonymous                grantList // once the server is closed
	introspection            graph.Introspection
	playground               onOff
	maxRightsAge             time.Duration
	requireLeastPrivilege    bool
	adminSocket              string // "": beside the store; off: none
	bootstrapFile            string
	bootstrap                *auth.Credential // what the file has; nil: there is none
}

func newSettings() *settings { return &settings{playground: true} }

// The bounds of --max-answer. The upper one leaves memory for several answers at a time.
const (
	minMaxAnswer = 64 << 10
	maxMaxAnswer = 64 << 20
)

// maxMaxValue is the upper bound of --max-value: a quarter of the largest body, since JSON escapes
// make a value longer.
const maxMaxValue = 4 << 20

// minMaxRightsAge is the lower bound of --max-rights-age: below it, a store that is slow for a
// moment would end all streams.
const minMaxRightsAge = 5 * time.Second

// readBootstrap reads the file of the first token, if there is one.
func (set *settings) readBootstrap() error {
	if set.bootstrapFile == "" {
		return nil
	}
	first, err := readBootstrap(set.bootstrapFile)
	if err != nil {
		return &startError{err}
	}
	set.bootstrap = &first
	return nil
}

// socketPath returns the path of the admin socket, "" for none.
func (set settings) socketPath() string {
	switch set.adminSocket {
	case "":
		return defaultSocket(set.store)
	case noSocket:
		return ""
	}
	return set.adminSocket
}

func (set settings) check() error {
	switch {
	case set.maxValueBytes < 1 || set.maxValueBytes > maxMaxValue:
		return startErrorf("--max-value must be 1 to %d bytes (4 MiB): a larger value does not fit into a request's body of 16 MiB once it is escaped", maxMaxValue)
	case (set.tlsCert == "") != (set.tlsKey == ""):
		return startErrorf("--tls-cert and --tls-key go together: give both, or none for plain HTTP")
	case set.maxConnections < 1:
		return startErrorf("--max-connections must be at least 1")
	case set.maxConnectionsPerAddress < 0:
		return startErrorf("--max-connections-per-address must be at least 1, or 0 for no limit of its own")
	case set.maxAnswerBytes < minMaxAnswer || set.maxAnswerBytes > maxMaxAnswer:
		return startErrorf("--max-answer must be %d to %d bytes (64 KiB to 64 MiB)", minMaxAnswer, maxMaxAnswer)
	case set.maxStreams < 1:
		return startErrorf("--max-streams must be at least 1")
	case set.maxRightsAge != 0 && set.maxRightsAge < minMaxRightsAge:
		return startErrorf("--max-rights-age must be at least %v, or 0 for no limit", minMaxRightsAge)
	case set.requireLeastPrivilege && !isPostgres(set.store):
		return startErrorf("--require-least-privilege is for a store postgres://…: the store %s has no roles", kindOf(set.store))
	case set.maxStreamsPerAddress < 0:
		return startErrorf("--max-streams-per-address must be at least 1, or 0 for no limit of its own")
	}
	return nil
}
