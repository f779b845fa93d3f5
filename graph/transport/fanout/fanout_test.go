package fanout

import (
	"context"
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// number is an offset.
type number int64

func (n number) Order() int64 { return int64(n) }
func (n number) ID() string   { return fmt.Sprint(int64(n)) }

// nowhere is the receiver and the connection of a subscriber that nothing is sent to.
type nowhere struct{}

func (nowhere) Send(context.Context, *Message) error  { panic("unexpected") }
func (nowhere) Offer(*Message) bool                   { panic("unexpected") }
func (nowhere) Finish(context.Context, gqlerror.List) {}
func (nowhere) Completed() bool                       { return false }
func (nowhere) Serve(func(context.Context))           {}
func (nowhere) Flush()                                {}
func (nowhere) Abort()                                {}
