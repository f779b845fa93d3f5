package main

import (
	"context"
	"io"
)

func tryMutants(ctx context.Context, o options, stdout, progress io.Writer) error { return nil }
