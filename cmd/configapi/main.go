// Command configapi is the configuration service: run `configapi help`.
package main

import "configapi/internal/cli"

func main() { cli.Main() }
