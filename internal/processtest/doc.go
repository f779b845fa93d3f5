// Package processtest runs programs beside a test, a benchmark or a suite of faults: configapi
// itself, databases, and what configapi is compared with.
//
// [Start] runs any program, [Serve] runs configapi until it is ready, and [Build] builds it. A
// process logs into a file, in which callers look for what it says. Its processor time and memory
// are read from /proc, so only on Linux.
//
// No process outlives the one that started it: callers stop it, and on Linux the kernel ends it
// when the process that started it dies, by whatever cause. Elsewhere a kill -9 of that process
// leaves the others.
package processtest
