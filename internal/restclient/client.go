package restclient

import (
	"context"
	"net"

	"configapi/client/rest"
	"configapi/internal/adminsocket"
)

// Client is a client of one server that also knows the tokens. Use [New] or [OverSocket]; it is
// safe for concurrent use.
type Client struct{ *rest.Client }

// New returns a client of a server. The error is as of [rest.New].
func New(o rest.Options) (*Client, error) {
	client, err := rest.New(o)
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// OverSocket returns a client that uses an admin socket.
func OverSocket(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return adminsocket.Dial(ctx, path) }
	client, err := rest.New(rest.Options{URL: "http://admin", Dial: dial})
	if err != nil {
		panic(err) // the address is always good
	}
	return &Client{client}
}
