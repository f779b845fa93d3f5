// Package postgres keeps a history in a PostgreSQL database: the event store of production, for any
// number of nodes.
//
// It keeps all laws of [eventstore.Store]. An append is one statement, so it is one round trip and
// one transaction that no client can leave open. The statement compares and sets the head row,
// which is the only row that is ever locked, inserts the records, and notifies the other nodes.
// Seqs follow from the head row, so they become visible in order. Only AppendLocked has a
// transaction of two round trips; the server ends it when its client is silent in between.
//
// The store refuses to open where an acknowledged append could be lost: fsync or full_page_writes
// off, a synchronous_commit weaker than on, a server in recovery. It then fixes synchronous_commit
// for the connection that appends, so that later changes of the server's configuration cannot
// weaken it. With synchronous_standby_names an append is acknowledged once the standbys have it,
// too.
//
// # Roles
//
// [Migrate] makes the tables as their owner. A server needs a role that owns nothing and has the
// rights of rights.go alone, which let it append but neither change nor remove an event. A store
// that is open for a server refuses a role that lacks one of them, and warns of one that has more,
// or refuses it with [Options.RequireLeastPrivilege]. Only a store that restores a backup needs the
// owner, since it drops a constraint meanwhile.
//
// # Connections
//
// A store uses seven connections. One, named configapi-writer, appends, two read for the node
// itself, one is for health checks, and a pool of three reads for users (pool_max_conns in the URL
// changes that number). From the first Wait on, the connection that appends listens for
// notifications, too. They come with the answers to its appends, and while it is idle the store
// waits for them. With [Options.ListenURL] an eighth connection, named configapi-listener, does
// nothing but listen. A notification only makes Wait return sooner: without any, Wait returns after
// each [Options.PollInterval]. All connections are made again after the server was unreachable.
//
// No connection ever asks the server to cancel an append: an append that waits for a synchronous
// standby would then become visible without being safe. When another client cancels it, the
// server's warning makes the outcome unknown, and DurableHead commits after what became visible.
//
// Each new connection is checked: its text encoding must be UTF-8, and it must lead to the newest
// primary that this store has seen, by its timeline. An older primary is refused with an error that
// wraps [eventstore.ErrSuperseded], and existing connections to it are closed. A connection on
// which the server refuses a write as read-only is closed, too, because a new session may be able
// to write.
//
// Every call ends within a time-out, and Close within [Options.CloseTimeout]. Settings of a session
// that could do harm are set with SET after connecting, whatever a role, a database or the URL
// says, because poolers refuse start-up parameters that they do not know.
//
// Behind a pooler in transaction mode the URL needs default_query_exec_mode=cache_describe. The
// store then uses nothing that belongs to a session: no prepared statements, no settings (make them
// with ALTER ROLE), and no listening, unless there is a direct [Options.ListenURL]. Each append
// sets the settings that make it durable for its own transaction. An append costs the server more
// there, because it is planned each time.
//
// # Not here
//
// The store does not interpret events, keeps no copy of the history in memory, and does not retry:
// whether to send a failed append again is for the writer to decide.
package postgres
