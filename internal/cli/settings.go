package cli

import (
	"flag"
	"time"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/eventstream"
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

// settingVariables are the environment variables of flags.
var settingVariables = variables{
	"listen":          {"CONFIGAPI_LISTEN"},
	"store":           storeVariables,
	"listen-dsn":      {"CONFIGAPI_LISTEN_DSN"},
	"allow-host":      {"CONFIGAPI_ALLOW_HOST"},
	"allow-origin":    {"CONFIGAPI_ALLOW_ORIGIN"},
	"trusted-proxy":   {"CONFIGAPI_TRUSTED_PROXY"},
	"metrics-listen":  {"CONFIGAPI_METRICS_LISTEN"},
	"tls-cert":        {"CONFIGAPI_TLS_CERT"},
	"tls-key":         {"CONFIGAPI_TLS_KEY"},
	"allow-anonymous": {"CONFIGAPI_ALLOW_ANONYMOUS"},
	"anonymous":       {"CONFIGAPI_ANONYMOUS"},
	"introspection":   {"CONFIGAPI_INTROSPECTION"},
	"playground":      {"CONFIGAPI_PLAYGROUND"},
	"max-rights-age":  {"CONFIGAPI_MAX_RIGHTS_AGE"},

	"require-least-privilege": {"CONFIGAPI_REQUIRE_LEAST_PRIVILEGE"},

	"admin-socket":         {"CONFIGAPI_ADMIN_SOCKET"},
	"bootstrap-token-file": {"CONFIGAPI_BOOTSTRAP_TOKEN_FILE"},
}

func parseSettings(env Env) (settings, error) {
	set := settings{playground: true}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.StringVar(&set.listen, "listen", "127.0.0.1:4000", "`ADDRESS` to listen on; also CONFIGAPI_LISTEN")
	flags.StringVar(&set.metricsListen, "metrics-listen", "", "`ADDRESS` that serves /metrics alone, to everyone who reaches it; none by default; also CONFIGAPI_METRICS_LISTEN")
	flags.StringVar(&set.tlsCert, "tls-cert", "", "`FILE` of the certificate for TLS, in PEM, followed by those of its authorities; none by default: plain HTTP; also CONFIGAPI_TLS_CERT")
	flags.StringVar(&set.tlsKey, "tls-key", "", "`FILE` of the key of --tls-cert, in PEM; also CONFIGAPI_TLS_KEY")
	flags.StringVar(&set.store, "store", defaultStore, storeUsage)
	flags.StringVar(&set.listenDSN, "listen-dsn", "", "`URL` of PostgreSQL itself when --store is a pooler, for notifications of changes; also CONFIGAPI_LISTEN_DSN")
	flags.StringVar(&set.logFormat, "log", "auto", "`FORMAT` of log lines: text, json, or auto: text on a terminal, else json")
	flags.IntVar(&set.maxValueBytes, "max-value", config.DefaultMaxValueBytes, "longest value, in `BYTES`, at most 4 MiB")
	flags.Var(&set.hosts, "allow-host", "`HOSTS` to answer for besides IP addresses, localhost and the host of --listen: names, *.suffix, or * for any; "+
		"separated by spaces; also CONFIGAPI_ALLOW_HOST")
	flags.Var(&set.origins, "allow-origin", "`ORIGINS` of pages that may send requests and open websockets besides the server's own, "+
		"such as http://localhost:5173, or * for any; separated by spaces; also CONFIGAPI_ALLOW_ORIGIN")
	flags.Var(&set.trustedProxies, "trusted-proxy", "`ADDRESSES` of the proxies in front, or prefixes such as 10.0.0.0/8: their X-Forwarded-For says which client a request "+
		"comes from, for limits and the log; separated by spaces; also CONFIGAPI_TRUSTED_PROXY")
	flags.IntVar(&set.maxConnections, "max-connections", 20_000, "`NUMBER` of connections at a time, websockets included")
	flags.IntVar(&set.maxConnectionsPerAddress, "max-connections-per-address", 0,
		"`NUMBER` of connections at a time of one IP address (IPv6: of one /64), loopback addresses excepted; 0: as many as --max-connections")
	flags.IntVar(&set.maxAnswerBytes, "max-answer", budget.ConnectionBytes, "longest answer of GraphQL, in `BYTES`, from 64 KiB to 64 MiB")
	flags.IntVar(&set.maxStreams, "max-streams", eventstream.DefaultMaxStreams, "`NUMBER` of streams at a time: subscriptions and other operations of websockets, and streams of server-sent events")
	flags.IntVar(&set.maxStreamsPerAddress, "max-streams-per-address", 0,
		"`NUMBER` of streams at a time of one IP address (IPv6: of one /64), loopback addresses excepted; 0: as many as --max-streams")
	flags.BoolVar(&set.allowAnonymous, "allow-anonymous", false, "serve everyone who reaches the server while no token was ever issued, "+
		"also beyond this machine and through a proxy; also CONFIGAPI_ALLOW_ANONYMOUS")
	flags.Var(&set.anonymous, "anonymous", "`GRANTS` of callers without a token, once a token was issued, such as READ:public or READ,WRITE:a,READ:b; none by default; also CONFIGAPI_ANONYMOUS")
	flags.TextVar(&set.introspection, "introspection", graph.IntrospectionForTokens, "`WHO` may read the schema from the server: on (every caller), tokens (callers with a token, and every caller while no token was ever issued), or off; also CONFIGAPI_INTROSPECTION")
	flags.Var(&set.playground, "playground", "serve the playground: `on` or off; also CONFIGAPI_PLAYGROUND")
	flags.DurationVar(&set.maxRightsAge, "max-rights-age", 0, "`DURATION` such as 10m after which callers with tokens are not served any more while the store cannot be reached, "+
		"since their rights may have ended; at least 5s; 0: they are served for ever; also CONFIGAPI_MAX_RIGHTS_AGE")
	flags.BoolVar(&set.requireLeastPrivilege, "require-least-privilege", false, "do not start with a role of PostgreSQL that has more rights than the server needs, "+
		"such as a superuser or the owner of the tables; also CONFIGAPI_REQUIRE_LEAST_PRIVILEGE")
	flags.StringVar(&set.adminSocket, "admin-socket", "", "`PATH` of a socket over which the user of the server, and root, manage its tokens; off: none. "+
		"By default the path of an SQLite store with .sock, and none for other stores; also CONFIGAPI_ADMIN_SOCKET")
	flags.StringVar(&set.bootstrapFile, "bootstrap-token-file", "", "`FILE` of the first token, which `configapi token bootstrap` makes; "+
		"issued unless there was a token ever; also CONFIGAPI_BOOTSTRAP_TOKEN_FILE")
	const about = "Runs the server: GraphQL at /graphql, its playground at /playground, REST at /config and /events."
	if err := parseFlags(env, flags, about, settingVariables); err != nil {
		return set, err
	}
	if err := set.check(); err != nil || set.bootstrapFile == "" {
		return set, err
	}
	first, err := readBootstrap(set.bootstrapFile)
	if err != nil {
		return set, &startError{err}
	}
	set.bootstrap = &first
	return set, nil
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
