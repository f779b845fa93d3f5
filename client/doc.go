// Package client keeps the configs of a ConfigApi server in memory, and up to date. A program that
// uses it starts, and goes on, while the server is unreachable.
//
//	c, err := client.Open(ctx, client.Options{
//		URL:       "https://config.example",
//		TokenFile: "/run/secrets/configapi",
//		Prefix:    "payments",
//		File:      "/var/lib/payments/configs",
//	})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//
//	timeout := client.Duration(c, "payments/timeout", 30*time.Second)
//	…
//	ctx, cancel := context.WithTimeout(ctx, timeout.Get())
//
// # What a reader sees
//
// [Client.Snapshot] returns all configs at one position of the history: never a part of a change
// set, never a value that was not true at that position. A snapshot does not change; a later one
// replaces it, and [Snapshot.Changed] says when.
//
// A [Value] is one config as an int, a duration or any other type, with a default for when there is
// no such config. Its Get costs some nanoseconds. A value that cannot be parsed leaves the last
// good one in force.
//
// # When the server is unreachable
//
// What was read stays. The client connects again, with growing and random pauses, and goes on where
// it was: each change set is applied once. [Client.Stale] says since when nothing was heard.
//
// With [Options.File] the configs are kept in a file, too, from which [Open] starts when the server
// cannot answer. The file has the values in clear. A server that refuses the token is no reason to
// use the file: Open then fails.
//
// # When rights or the history change
//
// When the token was revoked, has expired or may read other configs, the client reads its configs
// anew, with the token that its source has then, and drops those that are gone. It does the same
// when an older backup of the history was restored, which it reports as [ErrHistoryReplaced].
//
// Package clienttest has a server for tests. Package rest has the requests themselves.
package client
