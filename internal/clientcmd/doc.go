// Package clientcmd has the commands of configapi that work over the API of a server: they read and
// write configs as any other client does, and know neither a store nor the server's code.
//
// [Commands] returns them for package cli, which adds them to its root. All that a command gets
// from its process comes with [Env], so that tests run every command in their own process.
package clientcmd
