package clientcmd

import "github.com/spf13/cobra"

// The groups of the root's help. A command has one of them as its GroupID.
const (
	GroupRead     = "read"     // look at configs
	GroupWrite    = "write"    // change configs
	GroupMove     = "move"     // files, other servers and stores
	GroupServer   = "server"   // run and keep a server
	GroupRights   = "rights"   // tokens
	GroupSettings = "settings" // of the command line itself
)

// Commands returns the commands that work over the API of a server.
func Commands(env Env) []*cobra.Command {
	return []*cobra.Command{
		newGet(env), newList(env), newTree(env),
		newLog(env), newDiff(env), newWatch(env),
		newRun(env), newRender(env),
		newSet(env), newDelete(env), newRestore(env),
		newExport(env), newImport(env), newApply(env),
		newEdit(env), newRevert(env), newPromote(env), newRename(env),
		newStatus(env), newContext(env),
	}
}
