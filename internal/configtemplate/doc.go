// Package configtemplate executes templates of text/template over configs.
//
// [Parse] makes a [Template] of a text, and [Template.Execute] makes a text of it and a [Set]: its
// configs are of one position. Templates can read that set and change texts, and nothing else: no
// function reads a file or the environment, runs a command, or uses the network.
//
// An execution is bounded in its steps, in its time, and in the bytes that its functions and its
// output have, so that a template cannot use up a machine. [Functions] lists the functions.
//
// No error has a value of a config, except where a template puts one into the text of fail.
package configtemplate
