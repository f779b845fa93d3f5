// Package config is the domain: what a config is, what may happen to it, and what each of its
// events means.
//
// It is pure. Nothing here reads a clock, a disk or the network, and it imports the standard
// library alone; time arrives as a value. A config is an event-sourced aggregate:
// [Aggregate.Decide] takes a [Command] and returns the [Event] that follows from it, or the reason
// why none does. [Aggregate.Apply] is the only way to change state.
//
// # Glossary
//
// These words have one meaning everywhere in the project: in code, comments, documents, messages
// and logs.
//
// The history:
//
//	config, name, value   a named text value; the aggregate of this system
//	version               counts the changes of one name from 1; never reset, also not by a
//	                      deletion
//	event                 one fact: ConfigValueSet, ConfigValueDeleted or ConfigValueRestored
//	stream                whose name begins with $: events that are of no config
//	kind of facts         a type of events of such streams; a codec knows some
//	old value             the value of the version before; it is stored with that version alone
//	erased                of a value: removed from the history for good, which a later event says
//	record                an event as it is stored
//	revision              an event as clients see it
//	seq                   an event's number in the whole history: 1, 2, 3, … without gaps; 0 is
//	                      before the first
//	hash                  SHA-256 over the previous event's hash and this event's fields
//	digest, salt          SHA-256 over 16 random bytes, the salt, and a part of the fields; the
//	                      hash covers two digests of each event
//	position              what clients see of a seq: the seq and the first 8 hex digits of its
//	                      event's hash, 1842-9f3a21c0
//	change set            changes that are applied together, and their events: the unit of a
//	                      write, never split by a page, a message or a resumption
//	head                  seq, hash and time of the newest event
//	backup                a file with all events up to a head; to restore it is to append them to
//	                      another store, which is unfinished until it has them all
//	basis                 the head that a read builds on; the read fails when the history does not
//	                      contain it
//
// The parts of a node:
//
//	event store           keeps the history
//	projection, view      the read model in memory: the present state of every name; one immutable
//	                      copy of it
//	follower              keeps the projection live with what other nodes write
//	load, replay          the two ways in which a start gets its state: from the newest record of
//	                      each name, or by applying all records
//	verifier              verifies the records that a load has not read, while the node works
//	verified head         the head up to which the whole chain is verified
//	config store          authorises, reads and streams; every edge goes through it
//	writer, batch         decides change sets and appends their events; the sets of one append
//	draft                 what a set leads to, before it is sealed; all that a dry run makes
//	dry run               says what a set would come to, and changes nothing
//	rejection, failure    a set that was not carried out; one of the reasons why
//	receipt               the stored outcome of a set with an idempotency key
//	generation            all that a node has made of one history; replaced as a whole when the
//	                      history is another one
//	append signal         wakes what waits for appends, and knows how far the history has come
//	checkpoint            copies SQLite's write-ahead log into the database file
//	log marker            names the database file to which a write-ahead log belongs
//	fault, kind           an error that clients can get; what it means to them, a row of one table
//	fields                what a client says about a set, a deletion or a restore, before it is
//	                      checked
//	snapshot              the state of all configs right after one position
//	difference            what differs for one name between two snapshots, in value or existence;
//	                      versions do not count
//	page cursor           where a page of a list ended; all pages of a list show one position
//	child                 what lies directly below a prefix: a config, names further below, or
//	                      both; its segment is the part of its name after the prefix
//	part                  a piece of a name, in either case, that a filter asks for
//	order                 the names of a view by their last change
//	scan, turn            a look at many names for what few of them have; the right to one, of
//	                      which there are few
//	outcome               what a set came to; unknown while the history does not show whether
//	                      an append was made
//	attempt               one try to append a batch
//
// A live event, from the history to a client:
//
//	feed, cursor          the ring of the newest events; a reader's place in it
//	watch                 the changes that one filter selects, as the config store gives them
//	source, offset        a subscription's items as its resolver gives them; how far a source has
//	                      come
//	producer              makes the messages of a source: executes the operation, encodes the
//	                      response
//	group                 subscribers of equal operations that share a producer
//	subscriber            one subscription of one client
//	receiver              a subscription as its protocol has it on a connection
//	socket, outbox        one websocket connection; its bounded queue of frames, and their writer
//
// A request of GraphQL:
//
//	operation             one query, mutation or subscription
//	document              the text of a request that has operations and fragments
//	cost                  what an operation may need: counted from its fields before it runs
//	look-up               one config that a query asks for by name, with nothing but fields in
//	                      memory
//	answer                the whole response to an operation
//
// Rights:
//
//	caller                the one that a read or a write is made for
//	action, grant         READ, WRITE or ADMIN; some of them on all names below a prefix
//	scope                 the names on which a caller may do something
//	token                 a name with grants, kept in the history; its name is the actor of what
//	                      is done with it
//	secret, public id     the text that proves who has a token, shown once; the part of it that
//	                      may be shown, by which it is found
//	use                   of a secret: that a node saw it; the last one is kept, to the minute
//	credential            what is kept of a secret: the public id and a digest
//	session               the time during which the rights of a connection's caller stay the same
//	open, closed server   one that never had a token, where every caller may do everything; one
//	                      that had one
//
// The edges:
//
//	guard, decision       checks the host and the origin of a request; what the origin may do
//	exchange              one HTTP request and its answer
//
// Bounds:
//
//	budget, reservation   bytes that requests share; what one of them has taken of it
//	query reader          a connection to the event store that serves reads of users
//	query queue           the reads of users that wait for a query reader; the rest is refused
//
// Files:
//
//	format, reader        a form of files; a program that such files are for, such as bash
//	key, entry            what a file calls a value; both of them
//	setting               a name with the value that a file gives it
//	variable              a key of an environment: letters, digits and _
//	declared prefix       a file has all configs below it, and apply --prune deletes the others
//
// Faults, in test/faults:
//
//	round, strike         one fault under load, with its checks; one time that the fault happens
//	link, switch          a proxy that can be made to fail; an address whose backend can change
//	incarnation           counts the starts of a node; each process is one incarnation
//	fork, epoch           the replacement of a primary by another; the time of one primary, with
//	                      its history
//	promise, finding      a guarantee that the checks prove; a promise that was broken
package config
