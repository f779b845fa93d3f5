package graphqlws

import "configapi/internal/websockettest"

// Short names for what cases are full of.
type frame = websockettest.Frame

const (
	opContinuation = websockettest.Continuation
	opText         = websockettest.Text
	opBinary       = websockettest.Binary
	opClose        = websockettest.Close
	opPing         = websockettest.Ping
	opPong         = websockettest.Pong
	final          = websockettest.Final
	reserved       = websockettest.Reserved
)

func text(payload string) frame { return websockettest.TextFrame(payload) }
