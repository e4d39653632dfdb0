# `make` lists what there is to make.
.DEFAULT_GOAL := help
CARGO ?= cargo
# dev builds in a few minutes; `make demo PROFILE=release` takes longer to build and runs faster.
PROFILE ?= dev
TARGET = $(or $(CARGO_TARGET_DIR),target)
BINARIES = $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build everything
	$(CARGO) build --locked --workspace --bins --profile $(PROFILE)

.PHONY: demo
demo: build ## Run three simulated days of air quality into ./lake and show what they say
	@sh tests/demo.sh $(BINARIES)

.PHONY: test
test: lint infrastructure ## Everything that CI runs: lints, unit tests, integration tests, Terraform
	$(CARGO) build --locked --workspace
	$(CARGO) test --locked --workspace

.PHONY: lint
lint: ## Check format and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: infrastructure
infrastructure: ## Check infra/, where there is a terraform
	bash infra/check.sh $(TARGET)/infrastructure

.PHONY: bench
bench: ## Measure: decoder throughput, CPU of a nightly run, memory for a 1 GB object
	$(CARGO) build --locked --workspace --release
	$(CARGO) bench --locked --workspace --bench decode
	sh tests/bench.sh $(TARGET)/release

.PHONY: format
format: ## Format the code
	$(CARGO) fmt --all

.PHONY: clean
clean: ## Remove what was built and the demo's lake
	$(CARGO) clean
	rm -rf lake
