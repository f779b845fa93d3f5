// Package transporttest is what the tests of the transports share: a schema whose resolvers a test
// controls, a source of words, and requests over HTTP with their expected answers. Nothing of the
// program imports it.
package transporttest
