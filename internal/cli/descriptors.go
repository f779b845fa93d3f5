package cli

import "log/slog"

// reservedDescriptors are left for everything but connections of clients: files of the store,
// connections to PostgreSQL, and the runtime.
const reservedDescriptors = 128

// allowedConnections returns how many connections the server may have, given how many are wanted
// and how many files the process may open. It logs a warning if that is fewer than wanted.
func allowedConnections(wanted int, log *slog.Logger) int {
	descriptors, limited := openFilesLimit()
	if !limited {
		return wanted
	}
	return connectionsWithin(wanted, descriptors, log)
}

func connectionsWithin(wanted int, descriptors uint64, log *slog.Logger) int {
	if descriptors >= uint64(wanted)+reservedDescriptors {
		return wanted
	}
	allowed := int(descriptors / 2) // the store needs a part even of so few
	if descriptors > 2*reservedDescriptors {
		allowed = int(descriptors - reservedDescriptors)
	}
	allowed = max(allowed, 1)
	log.Warn("the server may open fewer files than --max-connections needs; raise the limit (ulimit -n, LimitNOFILE) or lower the flag",
		"open_files", descriptors, "max_connections", wanted, "connections_allowed", allowed)
	return allowed
}
