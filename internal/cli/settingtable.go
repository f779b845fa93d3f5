package cli

import (
	"slices"

	"configapi/graph"
	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/eventstream"
	"configapi/internal/setting"
)

// table declares the settings of the server.
func (set *settings) table() []setting.Setting {
	return slices.Concat(set.placeTable(), set.accessTable(), set.tokenTable(), set.boundTable())
}

// placeTable declares where the server listens, and where it keeps things.
func (set *settings) placeTable() []setting.Setting {
	store := storeSetting(&set.store)
	store.Details = "See [SQLite](#sqlite) and [PostgreSQL](#postgresql)"
	return []setting.Setting{
		{Flag: "listen", Variables: []string{"CONFIGAPI_LISTEN"}, Value: setting.String(&set.listen, "127.0.0.1:4000"),
			Meaning: "`ADDRESS` to listen on"},
		{Flag: "tls-cert", Variables: []string{"CONFIGAPI_TLS_CERT"}, Value: setting.String(&set.tlsCert, ""),
			Meaning: "`FILE` of the certificate for TLS, in PEM, followed by those of its authorities; none by default: plain HTTP",
			Details: "See [TLS](#tls)"},
		{Flag: "tls-key", Variables: []string{"CONFIGAPI_TLS_KEY"}, Value: setting.String(&set.tlsKey, ""),
			Meaning: "`FILE` of the key of --tls-cert, in PEM"},
		store,
		{Flag: "listen-dsn", Variables: []string{"CONFIGAPI_LISTEN_DSN"}, Value: setting.String(&set.listenDSN, ""),
			Meaning: "`URL` of PostgreSQL itself when --store is a pooler, for notifications of changes",
			Details: "See [PostgreSQL](#postgresql)"},
		{Flag: "require-least-privilege", Variables: []string{"CONFIGAPI_REQUIRE_LEAST_PRIVILEGE"}, Value: setting.Switch(&set.requireLeastPrivilege),
			Meaning: "do not start with a role of PostgreSQL that has more rights than the server needs, such as a superuser or the owner of the tables",
			Details: "See [Roles](#postgresql)"},
		{Flag: "metrics-listen", Variables: []string{"CONFIGAPI_METRICS_LISTEN"}, Value: setting.String(&set.metricsListen, ""),
			Meaning: "`ADDRESS` that serves /metrics alone, to everyone who reaches it; none by default"},
		{Flag: "log", Variables: []string{"CONFIGAPI_LOG"}, Value: setting.String(&set.logFormat, "auto"),
			Meaning: "`FORMAT` of log lines: text, json, or auto: text on a terminal, else json"},
	}
}

// accessTable declares for whom the server answers.
func (set *settings) accessTable() []setting.Setting {
	return []setting.Setting{
		{Flag: "allow-host", Variables: []string{"CONFIGAPI_ALLOW_HOST"}, Value: setting.Of(&set.hosts),
			Meaning: "`HOSTS` to answer for besides IP addresses, localhost and the host of --listen: names, *.suffix, or * for any; separated by spaces"},
		{Flag: "allow-origin", Variables: []string{"CONFIGAPI_ALLOW_ORIGIN"}, Value: setting.Of(&set.origins),
			Meaning: "`ORIGINS` of pages that may send requests and open websockets besides the server's own, such as http://localhost:5173, or * for any; separated by spaces"},
		{Flag: "trusted-proxy", Variables: []string{"CONFIGAPI_TRUSTED_PROXY"}, Value: setting.Of(&set.trustedProxies),
			Meaning: "`ADDRESSES` of the proxies in front, or prefixes such as 10.0.0.0/8: their X-Forwarded-For says which client a request comes from, for limits and the log; separated by spaces",
			Details: "See [proxies.md](proxies.md#whom-a-request-comes-from)"},
		{Flag: "introspection", Variables: []string{"CONFIGAPI_INTROSPECTION"}, Value: setting.Text(&set.introspection, graph.IntrospectionForTokens),
			Meaning: "`WHO` may read the schema from the server: on (every caller), tokens (callers with a token, and every caller while no token was ever issued), or off",
			Details: "Others get `FORBIDDEN` for `__schema` and `__type`; `__typename` is always answered"},
		{Flag: "playground", Variables: []string{"CONFIGAPI_PLAYGROUND"}, Value: setting.Of(&set.playground),
			Meaning: "serve the playground: `on|off`"},
	}
}

// tokenTable declares what callers may do with a token and without one.
func (set *settings) tokenTable() []setting.Setting {
	return []setting.Setting{
		{Flag: "allow-anonymous", Variables: []string{"CONFIGAPI_ALLOW_ANONYMOUS"}, Value: setting.Switch(&set.allowAnonymous),
			Meaning: "serve everyone who reaches the server while no token was ever issued, also beyond this machine and through a proxy",
			Details: "See [Who may reach it](#who-may-reach-it)"},
		{Flag: "anonymous", Variables: []string{"CONFIGAPI_ANONYMOUS"}, Value: setting.Of(&set.anonymous),
			Meaning: "`GRANTS` of callers without a token, once a token was issued, such as READ:public or READ,WRITE:a,READ:b; none by default"},
		{Flag: "max-rights-age", Variables: []string{"CONFIGAPI_MAX_RIGHTS_AGE"}, Value: setting.Duration(&set.maxRightsAge, 0),
			Meaning: "`DURATION` such as 10m after which callers with tokens are not served any more while the store cannot be reached, since their rights may have ended; at least 5s; 0: they are served for ever",
			Details: "See [tokens](tokens.md#when-rights-end)"},
		{Flag: "admin-socket", Variables: []string{"CONFIGAPI_ADMIN_SOCKET"}, Value: setting.String(&set.adminSocket, ""),
			Meaning: "`PATH` of a socket over which the user of the server, and root, manage its tokens; off: none; by default the path of an SQLite store with .sock, and none for other stores",
			Details: "See [The admin socket](#the-admin-socket)"},
		{Flag: "bootstrap-token-file", Variables: []string{"CONFIGAPI_BOOTSTRAP_TOKEN_FILE"}, Value: setting.String(&set.bootstrapFile, ""),
			Meaning: "`FILE` of the first token, which `configapi token bootstrap` makes; issued unless there was a token ever",
			Details: "See [tokens.md](tokens.md#the-first-token)"},
	}
}

// boundTable declares the limits of the server.
func (set *settings) boundTable() []setting.Setting {
	return []setting.Setting{
		{Flag: "max-value", Variables: []string{"CONFIGAPI_MAX_VALUE"}, Value: setting.Int(&set.maxValueBytes, config.DefaultMaxValueBytes),
			Meaning: "longest value, in `BYTES`, at most 4 MiB"},
		{Flag: "max-answer", Variables: []string{"CONFIGAPI_MAX_ANSWER"}, Value: setting.Int(&set.maxAnswerBytes, budget.ConnectionBytes),
			Meaning: "longest answer of GraphQL, in `BYTES`, from 64 KiB to 64 MiB"},
		{Flag: "max-connections", Variables: []string{"CONFIGAPI_MAX_CONNECTIONS"}, Value: setting.Int(&set.maxConnections, 20_000),
			Meaning: "`NUMBER` of connections at a time, websockets included"},
		{Flag: "max-connections-per-address", Variables: []string{"CONFIGAPI_MAX_CONNECTIONS_PER_ADDRESS"}, Value: setting.Int(&set.maxConnectionsPerAddress, 0),
			Meaning: "`NUMBER` of connections at a time of one IP address (IPv6: of one /64), loopback addresses excepted; 0: as many as --max-connections"},
		{Flag: "max-streams", Variables: []string{"CONFIGAPI_MAX_STREAMS"}, Value: setting.Int(&set.maxStreams, eventstream.DefaultMaxStreams),
			Meaning: "`NUMBER` of streams at a time: subscriptions and other operations of websockets, and streams of server-sent events"},
		{Flag: "max-streams-per-address", Variables: []string{"CONFIGAPI_MAX_STREAMS_PER_ADDRESS"}, Value: setting.Int(&set.maxStreamsPerAddress, 0),
			Meaning: "`NUMBER` of streams at a time of one IP address (IPv6: of one /64), loopback addresses excepted; 0: as many as --max-streams"},
	}
}
