// Package rest is the REST edge. It answers the clients of the system that this one takes over from
// as that system did, and has what users of such an API expect besides. It has no rules of its own.
//
//	GET     /config                        all configs, by name; ?prefix=payments/ ?at= ?first=
//	GET     /config/{name}                 the value, as text, or the config as an object; ?at=…
//	PUT     /config/{name}                 {"value":"…"}, or the value itself
//	DELETE  /config/{name}
//	GET     /config/{name}/history         all revisions, oldest first
//	GET     /config/{name}/at/{timestamp}  the value at an instant
//	POST    /config/{name}/restore         nothing, or {"value":"…"}
//	GET     /events                        changes as they happen, as server-sent events
//
//	GET     /changes                       the history of all configs, oldest first
//	POST    /changes                       several changes as one
//	GET     /changes/recent                the newest changes, newest first
//	POST    /changes/{position}/revert     undoes one change set, and keeps all later ones
//	POST    /revert                        brings configs back to the values of a moment
//	GET     /diff                          what differs between two moments, or two prefixes
//	GET     /deleted                       the deleted configs
//	GET     /children                      what lies directly below a prefix
//
//	GET     /tokens                        the tokens that the client may see, by name
//	GET     /tokens/{name}                 one token
//	GET     /secrets/{publicId}            whose a secret is, also one that is revoked
//	POST    /tokens                        makes a token; the answer has its secret
//	POST    /tokens/{name}/rotate          gives a token a new secret, which the answer has
//	PUT     /tokens/{name}/grants          gives a token other grants
//	DELETE  /tokens/{name}                 ends a token for ever
//
// The list takes the parameters prefix, at, view, first and after, /events takes prefix and after:
// both select configs whose names begin with whole segments, such as payments/.
//
// With at, a position or an RFC 3339 instant, the list and one config are as they were then, and
// Config-Position is the position that the moment came to. A position inside a change set means the
// end of the set, an instant there the state before it, one in the future now. With view=full an
// element of the list has the members of one config as an object. A value of the past that was
// erased is null in a list; one config gets 409 ERASED then.
//
// Every path also exists below /v1, and HEAD wherever GET does. A name is one segment of the path:
// `a%2Fb` is the config a/b, while /config/a/b is no path of the API, and its 404 says how to write
// it. In /config/ the name is empty, and the answer says so.
//
// The fixed texts (`OK`, `Not Found`, `Gone`, the one about timestamps) are a contract to the byte:
// plain text without a line feed. All other errors are problem details: see package problem, and
// docs/errors.md. A client whose Accept header prefers JSON to plain text gets one config as an
// object, and instead of `Gone` a problem, which says how to restore a deleted config. Only /events
// refuses a request for its Accept header.
//
// # Positions and tags
//
// Every answer about configs has Config-Position, the position at which it is valid. On one
// connection that position never goes back, except in answers about the past (a page after the
// first is one) and in those that repeat the outcome of an earlier request.
//
// An answer about one config has Config-Version and an ETag: the version and the first bytes of the
// hash of the revision that is in force, or of the change that was made. The same version in a
// history that was lost in a failover or a restore has another tag. The object form has a tag of
// its own, so that caches keep the forms apart; a change takes either. A list has its position as
// ETag.
//
// A change takes If-Match and If-None-Match as RFC 9110 has them: `*`, or a list of tags, on any
// number of lines. Both must hold when both are given. The writer checks them, on the state that
// the change builds on. A tag that does not match gets 412 with the present tag. Anything that is
// not a tag gets 400, since a condition that is not understood must not be taken for one that
// holds. If-Match also takes a bare version, from old clients; If-None-Match does not. A read
// gets 304 only when the whole tag is equal.
//
// A read may demand freshness: with Config-At-Least a position that any node gave, for which the
// read waits (2 s, or ?wait=5s, at most 30 s), or with ?consistency=linearizable everything that
// was acknowledged when the read began. It gets 504 rather than anything older.
//
// # Changes
//
// A PUT has `{"value":"…"}` as application/json, or the value itself, byte for byte, as
// application/octet-stream: UTF-8 without NUL. Headers say more about a change: Config-Reason, in
// percent-encoded UTF-8, and on a PUT Config-Only-If-Changed: true, with which nothing is written
// when the value is equal, and Config-Restore: true, which restores a deleted config. A change with
// an Idempotency-Key may be sent again: it has one effect, and the answer is that of the first
// time. The same key with another change, or with other values of these headers, gets 422.
//
// A query parameter that is not known is refused on changes, on the list and on /events, unless its
// name begins with _.
//
// A request is checked in this order: its path and method, its name, headers and body, then what
// the client may do, then whether the config is there, then its conditions, then its key.
//
// What the client may not change gets 403, whatever there is, with the action that it takes. What
// it may not read does not exist for it: 404, no element of a list, no current in a failure, no tag
// in a 412. docs/access.md says for each path what right it takes and what it hides.
//
// # Change sets
//
// POST /changes has an object as application/json, of which only changes is needed:
//
//	{"changes":[{"set":{"name":"a","value":"1","expectedVersion":3,"onlyIfChanged":true}},
//	            {"delete":{"name":"b","expectedRevision":"1842-9f3a21c0"}},
//	            {"restore":{"name":"c","value":"2"}}],
//	 "asSeenAt":"1842-9f3a21c0","dryRun":true,"reason":"why"}
//
// Each of its 1 to 1000 changes has exactly one of set, delete and restore. A name may stand only
// once, and expectedVersion and expectedRevision may be left out of each change; so may the value
// of a restore, which then is the last one. All changes take effect together, or none does.
// asSeenAt refuses each name that has changed after that position. A dry run writes nothing, and
// answers with what would happen; its position is the one to send as asSeenAt.
//
// The reason may be in the body or in Config-Reason; when both are given they must be equal. The
// set may have an Idempotency-Key, which a dry run does not use. If-Match, If-None-Match,
// Config-Only-If-Changed and Config-Restore are about a single config, and refused here.
//
// The answer is {"revisions":[…],"unchanged":["…"],"position":"…","dryRun":false}: the changes in
// the order of the set, and the names that were as asked for already. A set with nothing to do
// writes nothing, and its position is the one at which it was decided.
//
// A set that cannot be carried out gets a problem with all of its failures:
//
//	{…,"position":"…","errors":[{"code":"STALE","message":"…",
//	 "path":["changes","0","set","name"],"current":{…}}]}
//
// current is the newest revision of the config, null when there is none. It is left out when the
// revisions of one answer would be longer than 8 MiB, or when it cannot be read. The status is 413
// when a size or a count is over its limit, and 403 when the client lacks a right: the first such
// failure decides. Otherwise it is that of the first failure of the set as a whole: 400 for an
// unknown asSeenAt, for no changes or for a bad reason, 422 for a key that was used for another
// request. When only single changes fail, whatever else is wrong with them, it is 409. The code is
// the one of the failure that decides the status. A body that has another form gets 400 without
// failures.
//
// POST /revert has {"to":"…","prefix":"…","asSeenAt":"…","dryRun":true,"reason":"…"}, of which only
// to is needed: a position, or an RFC 3339 instant. POST /changes/{position}/revert may have
// {"onConflict":"FAIL","dryRun":true,"reason":"…"}, or no body. onConflict is FAIL, SKIP or
// OVERWRITE: what to do about configs that have changed since. Both answer as POST /changes does; a
// failure REVERT_CONFLICT also has change, the revision that is to be undone. The path of a failure
// names a member of the body, or is ["changeSet"] for the position in the address, or
// ["idempotencyKey"]; it is null for a config that the request does not name.
//
// # Tokens
//
// All of them take ADMIN. A token that may do more than the client is 404 for it. A token has the
// members of GraphQL's Token without its id:
//
//	{"name":"ci","version":1,"grants":[{"actions":["READ","WRITE"],"prefix":"payments"}],
//	 "createdAt":"2026-11-22T22:35:41.731604Z","createdBy":"local","expiresAt":null,
//	 "secrets":[{"publicId":"…","createdAt":"…","expiresAt":null,"lastUsedAt":null}]}
//
// lastUsedAt is when a server last saw the secret, rounded down to the minute; null: never.
//
//	POST   /tokens                {"name":"ci","grants":[…],"expiresAt":"…","reason":"…"}
//	POST   /tokens/{name}/rotate  {"keepOldUntil":"…","expectedVersion":1,"reason":"…"}
//	PUT    /tokens/{name}/grants  {"grants":[…],"expectedVersion":1,"reason":"…"}
//	DELETE /tokens/{name}         {"expectedVersion":1,"reason":"…"}
//
// Only name and grants are needed; rotate and DELETE need no body. The answer is
// {"token":{…},"secret":"cfg_…","position":"…"}: secret is there when one was made, and token is
// null after DELETE. GET /tokens?first=&after= answers {"tokens":[…],"totalCount":1}, and its Link
// leads to the next page. GET /tokens/{name} answers {"token":{…}}. GET /secrets/{publicId}, with
// or without cfg_ before the id, answers
//
//	{"token":{…},"revoked":false,"secret":{"publicId":"…","createdAt":"…","expiresAt":null,
//	 "lastUsedAt":null},"inForce":true}
//
// The ETag of an answer about one token is its version, and If-Match takes it in place of
// expectedVersion. Nothing here may be stored (Cache-Control: no-store), and an Idempotency-Key is
// refused, since the first answer is not kept: after an unknown outcome, rotate the token.
//
// # Pages of changes
//
// A revision has the same members on all routes, those of GraphQL's ConfigRevision without its ids:
//
//	{"name":"a","operation":"UPDATED","value":"2","oldValue":"1","version":2,
//	 "position":"2-b80d4c6f","changeSet":"2-b80d4c6f","committedAt":"2026-11-22T22:35:41.731604Z",
//	 "actor":null,"reason":null,"reverts":null,"erased":false}
//
// Where a revision stands for a state, as before and after of /diff do, it has no oldValue.
//
//	GET /changes?prefix=&first=&after=
//	{"changes":[…],"position":"…","caughtUp":true}
//
//	GET /changes/recent?prefix=&name=&actor=&operation=&since=&until=&first=&after=
//	{"revisions":[…],"position":"…"}
//
//	GET /diff?from=&to=&prefix=&toPrefix=&first=&after=
//	{"from":"…","to":"…","differences":[{"name":"…","before":{…},"after":{…},
//	 "changes":[…],"moreChanges":false}]}
//
//	GET /deleted?prefix=&contains=&first=&after=
//	{"revisions":[…],"position":"…"}
//
//	GET /children?prefix=&first=&after=
//	{"children":[{"segment":"…","name":"…","config":{…},"below":0}],"position":"…"}
//
// All parameters may be left out, but for from. name selects one config. first is 1 to 500; without
// it a page has 50 elements, of /diff and /children 100. operation is one of CREATED, UPDATED,
// DELETED and RESTORED, or several of them separated by commas. since and until are instants; from
// and to are positions or instants. A + in an instant is written as %2B. A page may be short, even
// empty, although more follow: it examines a limited part of the history and holds 8 MiB. The Link
// header is there as long as more may follow. after is the position with which the page of /changes
// before ended, and for all other routes a text from the Link header, which is refused with other
// parameters than those of the page before.
//
// Pages of /changes/recent and /diff stay on the positions of the first one. Those of /changes,
// /deleted and /children do not: each says its position, and nothing comes twice. /changes never
// splits a change set; the others may. The answers are always JSON.
//
// # Long answers
//
// The list and a history are streamed from one position: they may have any length, and the server
// holds 1 MiB of them at a time, or one revision. Package httpd cuts off a client that takes less
// than 64 KiB a second on average over a minute, and the slowest client is cut off when others need
// the memory. An array that cannot be finished ends with the connection, so that a part never looks
// like the whole. A page of the list (?first=, 1 to 500 configs) ends early at 8 MiB; its Link
// header leads to the next page, which is of the same position. The link is relative, so that it is
// also right below the path of a proxy.
//
// An event stream has an event "changes" for each change set, whose data and promises are those of
// GraphQL's configChanges, and whose id is the position to continue from. A client gives it in the
// parameter after or in the header Last-Event-ID, which takes precedence. Browsers read the stream
// by fetch, since an EventSource, which sends Last-Event-ID by itself, cannot send a token. A
// position inside a change set gives that whole set again. A position before the last change of
// what the caller may read gets 403: the client must read the configs anew. An error ends the
// stream with an event "error", whose data is a problem.
//
// Package origin decides which browsers' pages may send requests, before a request comes here.
package rest
