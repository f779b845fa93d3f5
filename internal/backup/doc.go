// Package backup writes a history into one file and restores it into an empty event store, or into
// one that holds the beginning of the same history. Every event keeps its position and its hash, so
// positions that clients have stay valid, and the history can move between kinds of stores.
//
// # Format
//
// A backup is text in lines, each a JSON object in UTF-8 that ends with a line feed:
//
//	{"format":"configapi-backup","version":1,"position":2,"hash":"…"}
//	{"position":1,"hash":"…","name":"payments/timeout", …}
//	{"position":2,"hash":"…","name":"payments/timeout", …}
//	{"head":{"position":2,"hash":"…","recorded_at":"2026-11-22T22:35:41.731604Z"},"events":2}
//
// The first line names the head that the backup leads to. Then comes one line for each event, from
// position 1: position, hash, name, version, type, schema_version, data, actor, reason, reverts,
// recorded_at, append_id, change_set, salt_who, salt_what, what. The last line is the head again: a
// file without it was cut off. Nothing follows it.
//
// There is one way to write a history: the order of the members is fixed, there is no white space,
// texts have the escapes of RFC 8785 and no others, and bytes are hexadecimal in lower case. The
// data of an event is JSON itself; it stands in the file as a string, so that its exact bytes,
// which the hash covers, come back. Nothing in the file says when or where it was made. So two
// backups of one history at one head are the same bytes, and a reader accepts no line that [Write]
// would not write.
//
// An event whose value was erased has null as data and salt_what; the digest of both, what,
// stays. null also stands for a missing actor, reason and reverts.
//
// The file may be compressed with zstd. A compressed backup is the same bytes again when the same
// version of this program makes it.
//
// Receipts of idempotency keys are not in a backup, nor is when tokens were last used, because they
// are no part of the history. Tokens are: [Restore] keeps or revokes them.
package backup
