# `make run` and `make test` are all that a newcomer needs.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The arguments of `make run`, for example: make run ARGS='--store postgres://…'
ARGS ?=

.PHONY: help run build test check format vet lint generate verify race cover bench browser clients playground

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## run the server on 127.0.0.1:4000, with its history in data/configapi.db
	@$(GO) run ./cmd/configapi serve $(ARGS)

build: ## build bin/configapi
	$(GO) build -trimpath -o bin/configapi ./cmd/configapi

test: ## run all tests; PostgreSQL comes from TEST_DATABASE_URL, else from this machine
	$(GO) run ./internal/postgrestest/withpostgres -- $(GO) test ./...

check: format vet lint verify race cover ## everything else that must hold before a change lands

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }

vet:
	$(GO) vet ./...
	cd bench && $(GO) vet ./...
	cd examples/go && $(GO) vet ./...

lint:
	$(GO) run $(STATICCHECK) ./...
	cd bench && $(GO) run $(STATICCHECK) ./...
	cd examples/go && $(GO) run $(STATICCHECK) ./...

generate: ## write graph/generated, graph/model and the Go example's api from schema.graphql
	$(GO) tool gqlgen generate
	cd examples/go && $(GO) generate ./...

verify: generate ## fail when generated code is not what the schema makes
	@git diff --exit-code -- graph/generated graph/model examples/go/api go.mod go.sum
	$(GO) mod tidy -diff
	cd bench && $(GO) mod tidy -diff
	cd examples/go && $(GO) mod tidy -diff

race: ## run all tests with the race detector, and those of the other modules
	$(GO) run ./internal/postgrestest/withpostgres -- $(GO) test -race ./...
	cd bench && $(GO) test ./...
	cd examples/go && $(GO) test -race ./...

cover: ## fail when less than 90 % is covered, or less than all of the domain
	@.ci/coverage

bench: ## measure everything side by side, and print a table
	cd bench && $(GO) run .

browser: ## drive the playground in a real Chromium
	.ci/browser

clients: ## run real clients, code generators and the examples against a real server
	.ci/clients

playground: ## fetch the playground's files again, at their pinned versions
	cd web/playground && npm ci --ignore-scripts && npm run build
