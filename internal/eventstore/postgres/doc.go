// Package postgres keeps a history in a PostgreSQL database: the event store of production, for any number of nodes.
//
// It keeps all laws of [eventstore.Store]. An append is one statement, and so one round trip and one transaction that no
// client can leave open: it compares and sets the head row, which is the only row that is ever locked, inserts the
// records, and notifies the other nodes. Positions follow from the head row, so they become visible in their order. Only
// AppendLocked has a transaction of two round trips, and the server ends it when its client is silent in between.
//
// Where an acknowledged append could be lost, the store refuses to open: fsync or full_page_writes off, a
// synchronous_commit weaker than on, a server in recovery. synchronous_commit is then fixed for the connection that
// appends, so that a later change of the server's configuration cannot weaken it. Standbys that follow are welcome; with
// synchronous_standby_names an append is acknowledged once they have it too.
//
// # Connections
//
// One connection appends. Two read for the store's own node, one probes for its health; a pool of
// others reads for users (pool_max_conns in the URL sets its size, 3 unless it does), so that a
// node takes eight in all. One connection, named configapi-listener, listens for notifications from
// the first Wait on. A notification only makes Wait return sooner: without any, Wait looks again in
// every [Options.PollInterval]. All come back by themselves after the server was away. No
// connection ever asks the server to cancel an append, because an append that waits for a
// synchronous standby would then be visible without being safe. Where others do that, the warning
// that comes with it makes the outcome unknown, and DurableHead commits behind what became visible.
//
// Each connection is checked when it is made: its text is UTF-8, and it leads to the newest primary
// that this store has seen, by its timeline. A primary of the past is refused with an error that
// wraps [eventstore.ErrSuperseded], and connections to it from before are given up. A connection on
// which a write was refused as read-only is given up, too, because that may be a matter of its
// session alone.
//
// Every call ends within a time-out, and Close within [Options.CloseTimeout]. Settings of a session
// that could hurt are made with SET after connecting, whatever a role, a database or the URL says,
// because poolers refuse start-up parameters that they do not know.
//
// Behind a pooler in transaction mode the URL needs default_query_exec_mode=cache_describe. Then
// nothing is used that is made for a session: no prepared statements, no settings, which are to be
// made with ALTER ROLE, and no listening, unless there is a direct [Options.ListenURL]. What an
// append's durability depends on is set by its statement, for its transaction. An append costs the
// server more there, because it is planned each time.
//
// # Not here
//
// The store does not look at what events mean, keeps no copy of the history in memory, and does not retry: whether a
// failed append is to be sent again is for the writer to decide.
package postgres
