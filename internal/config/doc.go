// Package config is the domain: what a config is, what may happen to it, and what each of its events means.
//
// It is pure. Nothing here reads a clock, a disk or the network, and it imports the standard library alone; time arrives
// as a value. A config is an event-sourced aggregate: a [Command] is judged by [Aggregate.Decide], which answers with the
// [Event] that follows from it or with the reason why none does, and [Aggregate.Apply] is the only way to change state.
//
// The words, here and everywhere in the project:
//
//	config, name, value   a named text value; the aggregate of this system
//	version               counts the changes of one name from 1; never reset, also not by a deletion
//	event                 one fact: ConfigValueSet, ConfigValueDeleted or ConfigValueRestored
//	position              place of an event in the whole history: 1, 2, 3, … without gaps; 0 is before the first
//	hash                  SHA-256 over the previous event's hash and this event's fields; the newest one is the tip
//	change set            events that were applied together; never split by a page, a message or a resumption
//	head                  position, hash and time of the newest event
//	event store           keeps the history
//	projection            the read model in memory: the present state of every name, at one position
//	config store          the one door to all of it
//	feed, cursor          the live stream of applied events; a reader's place in it
//	revision              an event as clients see it
package config
