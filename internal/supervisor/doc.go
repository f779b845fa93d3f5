// Package supervisor runs one program, and starts it again when its environment changes.
//
// [Run] starts the program in a process group of its own and returns its exit code when it ends by
// itself. It forwards signals, reaps every process that is left to it, as process 1 of a container
// must, and gives the program the terminal as a shell does.
//
// # Restarts
//
// A [Source] has the environment, and says when there is a newer one. A change is applied when
// nothing has changed for [Options.Quiet], but not before [Options.Interval] has passed since the
// last one was, and a random part of [Options.Splay] later. Changes that never pause are applied
// nevertheless. An environment that is equal to that of the program changes nothing.
//
// The program is stopped only when the next one can be started: when its file is there and its
// environment is one that the system takes. Otherwise it runs on.
//
// # Stopping
//
// The program alone gets SIGTERM: one with several processes ends them in its own order. When it
// has ended, what is left of its group gets SIGTERM, too. After [Options.Grace] all of the group is
// killed. A program that ends by itself may leave others running.
//
// Other systems than Linux, macOS and their like have neither groups nor these signals; there, Run
// returns an error.
package supervisor
