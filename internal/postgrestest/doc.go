// Package postgrestest gives tests a real PostgreSQL. No test skips it, and none needs it to be set up by hand.
//
// [NewDatabase] hands out an empty database to each test, which has it for itself until it ends. The server behind it is the one of TEST_DATABASE_URL
// when that is set: a URL of a role that may create databases. Otherwise the test process starts a [Cluster] for itself,
// with the newest PostgreSQL of the machine (PATH, then /usr/lib/postgresql/*/bin and its like), installed with apt-get
// if there is none and root runs the tests. Where there is none to be had, tests fail and say what to install.
//
// [NewCluster] starts a server for a test that stops it, kills it or gives it other settings. [NewPooler] puts a pgbouncer in
// transaction mode before a database; it is found, installed or asked for as PostgreSQL is.
//
// A package whose tests use this one ends them with [Main], which stops the server that they shared. The command
// withpostgres starts one server for the tests of all packages, and makes the template of all clusters that they need:
//
//	go run ./internal/postgrestest/withpostgres -- go test ./...
//
// No server outlives the process that started it, not even when that is killed (on Linux; elsewhere only when it ends in
// good order). Its files, in a directory of its own, are then removed by the next process that starts one.
package postgrestest
