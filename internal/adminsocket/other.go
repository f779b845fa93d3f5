//go:build !linux && !darwin && !freebsd

package adminsocket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
)

// Listener is a [net.Listener]. There is none on this system.
type Listener struct{ net.Listener }

// Listen returns [errors.ErrUnsupported].
func Listen(string, *slog.Logger) (*Listener, error) { return nil, errUnsupported }

// Dial returns [errors.ErrUnsupported].
func Dial(context.Context, string) (net.Conn, error) { return nil, errUnsupported }

var errUnsupported = fmt.Errorf("admin sockets need Linux, macOS or FreeBSD: %w", errors.ErrUnsupported)
