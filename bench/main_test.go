package main

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// TestMain lets the test binary be the reference servers, as the bench binary is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && (os.Args[1] == commandBare || os.Args[1] == commandEtcd) {
		fmt.Fprintln(os.Stderr, run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
		os.Exit(1)
	}
	os.Exit(m.Run())
}
