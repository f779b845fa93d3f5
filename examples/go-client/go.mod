module configapi/examples/go-client

go 1.26.0

// A program of your own has a version of the client here.
replace configapi/client => ../../client

require configapi/client v0.0.0
