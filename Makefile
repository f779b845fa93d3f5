# `make run` and `make test` are all that a newcomer needs.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The arguments of `make run`, for example: make run ARGS='--store postgres://…'
ARGS ?=

# The flags of `make faults`, for example: make faults FAULTS='-short -seed 7'
FAULTS ?=

# The flags of `make hostile`, for example: make hostile HOSTILE='-only aliases'
HOSTILE ?=

# How many packages are tested at once: one more than there are processors, since tests also wait,
# for disks and for PostgreSQL.
AT_ONCE = $$(($$(getconf _NPROCESSORS_ONLN) + 1))

# The pattern `work` stands for the packages of all modules that go.work names.

.PHONY: help run build test check ci sound files format vet systems lint generate verify modules audit race disks bench bench-large faults mutants hostile fuzz fuzz-short browser proxy clients playground release packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: export GOWORK = off
run: ## run the server on 127.0.0.1:4000, with its history in data/configapi.db
	@$(GO) build -o bin/configapi ./cmd/configapi
	@exec bin/configapi serve $(ARGS)

build: export GOWORK = off
build: ## build bin/configapi
	$(GO) build -o bin/configapi ./cmd/configapi

# The tests' programs are kept in bin/tests: to link them again takes longer than to run them. They
# are linked without what debuggers read, as `go test` does with programs that it throws away. The
# package that takes longest comes first.
test: ## run all tests but the slow ones; PostgreSQL comes from TEST_DATABASE_URL, else from this machine
	@test -n "$$CONFIGAPI_SLOW_TESTS" || export RAPID_CHECKS=$${RAPID_CHECKS:-25}; set -x; \
		$(GO) run ./internal/postgrestest/withpostgres -- $(GO) test -ldflags='-s -w' -o bin/tests/ -p $(AT_ONCE) ./internal/eventstore/postgres ./...
	@test -n "$$CONFIGAPI_SLOW_TESTS" || echo "left out: $$(grep -c '^		"' internal/slowtest/slowtest.go) slow tests and most rounds of others, which make ci runs"

check: sound test ## what to run before a commit: all that is quick

ci: sound audit race disks hostile fuzz-short browser proxy clients packages ## everything else that must hold before a change lands
	$(MAKE) faults FAULTS=-short

sound: files format vet systems lint verify modules ## the checks that run no tests

files: ## fail when a file is in the repository that is too large for it, or that .gitignore names
	@ignored=$$(git ls-files --cached --ignored --exclude-standard); \
		test -z "$$ignored" || { echo "in the repository, though .gitignore names it:"; echo "$$ignored"; exit 1; }
	@large=$$(git ls-tree -r -l HEAD | awk '$$4 > 700000 { print $$5 " has " $$4 " bytes" }'); \
		test -z "$$large" || { echo "too large for the repository:"; echo "$$large"; exit 1; }

format: ## fail when gofmt would change a file
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }

vet: ## run go vet on all modules
	$(GO) vet work

systems: ## fail when a package or a test of the server does not compile for Windows or macOS
	$(GO) run ./test/systems windows darwin

lint: ## run staticcheck on all modules, with the rules of staticcheck.conf
	$(GO) run $(STATICCHECK) work

generate: ## write graph/generated, graph/model and the Go example's api from schema.graphql
	$(GO) tool gqlgen generate
	cd examples/go && $(GO) generate ./...

verify: generate ## fail when generated code is not what the schema makes
	@git diff --exit-code -- graph/generated graph/model examples/go/api go.mod go.sum

modules: ## fail when a module does not build alone, or with other versions than in the workspace
	@.ci/modules

audit: ## fail when a vulnerability of a library is known; say so where the databases cannot be reached
	@.ci/audit

race: ## run all tests of all modules, the slow ones too, with the race detector; fail when less than 90 % is covered, or less than all of the domain
	CONFIGAPI_SLOW_TESTS=1 $(GO) run ./internal/postgrestest/withpostgres -- .ci/race

disks: ## let the disk fail below SQLite, and cut its power, in 100 runs over one history
	SQLITE_TEST_DISK_ROUNDS=100 $(GO) test -count=1 -run TestFailingDisk -v ./internal/eventstore/sqlite

bench: ## measure everything side by side, and print a table
	cd bench && $(GO) run .

bench-large: ## measure 10,000,000 events of 1,000,000 names: 20 minutes, 12 GB of disk
	cd bench && $(GO) run . -only large

faults: ## let everything fail that can, and check that nothing is lost; see test/faults/README.md
	cd test/faults && $(GO) run . $(FAULTS)

mutants: ## plant bugs into copies of the tree, each of which the fault suite must find
	cd test/faults && $(GO) run . -mutants $(FAULTS)

hostile: ## attack a server's memory, processors and time, and fail where a ceiling is exceeded; see test/hostile
	$(GO) run ./test/hostile $(HOSTILE)

fuzz: ## run each fuzz test for FUZZTIME, by default 5m; FUZZ='Token' runs those with such a name
	.ci/fuzz

fuzz-short: ## run each fuzz test with 2000 new inputs: some seconds in all
	.ci/fuzz short

browser: ## drive the playground in a real Chromium
	.ci/browser

proxy: ## try the nginx configuration of docs/proxies.md, all edges and the playground through it
	.ci/proxy

clients: ## run real clients, code generators and the examples against a real server
	.ci/clients

playground: ## fetch the playground's files again, at their pinned versions
	cd web/playground && npm ci --ignore-scripts && npm run build

release: export GOWORK = off
release: ## build what a release consists of into dist: programs, packages, an image, digests; only from a commit
	cd release && $(GO) run .
	@for system in windows darwin; do GOOS=$$system $(GO) vet ./... || exit 1; done

packages: export GOWORK = off
packages: ## build the release for linux/amd64 twice, and check, install and run what was built
	cd release && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... && $(GO) test -count=1 -v ./...
