package cli

import "log/slog"

// reservedDescriptors are those that are not for connections of clients: files of the store,
// connections to PostgreSQL, and what the runtime opens.
const reservedDescriptors = 128

// allowedConnections returns how many connections the server may have, given how many are wished
// for and how many files the system lets the program open. It says so in the log when that is
// fewer.
func allowedConnections(wished int, log *slog.Logger) int {
	descriptors, limited := openFilesLimit()
	if !limited {
		return wished
	}
	return connectionsWithin(wished, descriptors, log)
}

func connectionsWithin(wished int, descriptors uint64, log *slog.Logger) int {
	if descriptors >= uint64(wished)+reservedDescriptors {
		return wished
	}
	allowed := int(descriptors / 2) // with so few, the store needs its part all the same
	if descriptors > 2*reservedDescriptors {
		allowed = int(descriptors - reservedDescriptors)
	}
	allowed = max(allowed, 1)
	log.Warn("the system lets the server open fewer files than --max-connections needs; raise the limit (ulimit -n, LimitNOFILE) or lower the flag",
		"open_files", descriptors, "max_connections", wished, "connections_allowed", allowed)
	return allowed
}
