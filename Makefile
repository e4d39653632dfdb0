# `make` lists what there is to make.
.DEFAULT_GOAL := help
CARGO ?= cargo
# dev builds in a few minutes; `make demo PROFILE=release` takes longer to build and runs faster.
PROFILE ?= dev
TARGET = $(or $(CARGO_TARGET_DIR),target)
BINARIES = $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

# Of packages, image and deployment. Only what is given here or in the environment goes before infra/terraform.tfvars.
VARIABLES := $(foreach pair,REGION:region PREFIX:name_prefix ARCHITECTURE:architecture IMAGE_TAG:image_tag, \
    $(if $($(firstword $(subst :, ,$(pair)))),-var $(lastword $(subst :, ,$(pair)))=$($(firstword $(subst :, ,$(pair))))))
VARIABLES += $(if $(CARGO_TARGET_DIR),-var packages_dir=$(abspath $(CARGO_TARGET_DIR)/lambda))
export ARCHITECTURE ?= arm64
PACKAGES = $(TARGET)/lambda
IMAGE_TAG ?= 0.2.0
TERRAFORM = terraform -chdir=infra

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build everything
	$(CARGO) build --locked --workspace --bins --profile $(PROFILE)

.PHONY: demo
demo: build ## Run all datasets, simulated, into ./lake and show what they say
	@sh tests/demo.sh $(BINARIES)

.PHONY: setup
setup: ## Install the Debian packages without which `make test` skips some tests
	@sh tests/setup.sh

# What every step of `make test` notes as skipped; its last lines list them.
test: export TRIBUTARY_SKIPPED = $(abspath $(TARGET))/skipped
.PHONY: test
test: ## Everything that CI runs: lints, unit tests, integration tests, Terraform, the image
	@mkdir -p $(TARGET) && : >$(TRIBUTARY_SKIPPED)
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory infrastructure
	python3 tests/arm64.py
	$(CARGO) build --locked --workspace --all-targets
	$(CARGO) test --locked --workspace --no-fail-fast
	sh tests/counts/counts.sh $(TARGET)/debug debug
	sh tests/pages/pages.sh $(TARGET)/debug $(TARGET)/pages
	sh tests/docs.sh $(TARGET)/debug $(TARGET)/docs
	sh tests/examples.sh $(TARGET)/debug $(TARGET)/examples
	sh tests/image.sh $(TARGET)/debug
	sh tests/release.sh
	sh tests/localstack.sh $(TARGET)/localstack
	@sh tests/skipped.sh $(TRIBUTARY_SKIPPED)

.PHONY: lint
lint: ## Check format and lints, of Rust, Python and shell scripts, and spelling
	$(CARGO) fmt --all --check
	sh tests/lint.sh $(TARGET)/lint
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: infrastructure
infrastructure: ## Check infra/, where there is a terraform
	bash infra/check.sh $(TARGET)/infrastructure

.PHONY: package
package: ## Build the functions' packages into target/lambda (ARCHITECTURE=arm64 or x86_64)
	sh functions/package.sh $(PACKAGES)

.PHONY: image
image: ## Build the image of large jobs (BASE=... for another base)
	sh functions/package.sh $(PACKAGES) tributary
	PLATFORM=linux/$(if $(filter x86_64,$(ARCHITECTURE)),amd64,arm64) \
	    sh functions/job/image.sh $(PACKAGES)/binaries/tributary/bootstrap tributary:$(IMAGE_TAG)

.PHONY: startup
startup: package ## Measure what a cold start takes, with the packages
	sh tests/startup.sh $(PACKAGES)

# Without the file, state lies where a backend_override.tf says.
BACKEND := $(if $(wildcard infra/backend.hcl),-backend-config=backend.hcl)

.PHONY: deploy
deploy: package ## Deploy to an AWS account (REGION=..., PREFIX=...; infra/backend.hcl, infra/terraform.tfvars)
	$(TERRAFORM) init $(BACKEND)
	$(TERRAFORM) apply $(VARIABLES)

.PHONY: destroy
destroy: ## Take a deployment down again and leave its data
	$(TERRAFORM) init $(BACKEND)
	bash infra/destroy.sh $(VARIABLES)

.PHONY: delete-data
delete-data: ## Delete a deployment with all its data; asks for the account's number
	$(TERRAFORM) init $(BACKEND)
	bash infra/delete-data.sh $(VARIABLES)

.PHONY: cost
cost: ## Show what a deployment costs by list prices (CASE=country, all or uploads; OPTIONS=--help)
	python3 infra/cost.py $(or $(CASE),country) $(OPTIONS)

.PHONY: bench
bench: ## Measure beside DuckDB, Polars, pandas, PySpark and ClickHouse (QUICK=1, JOBS=year,energy, RUNS=3)
	$(CARGO) build --locked --workspace --bins --release
	$(if $(JOBS),,$(MAKE) --no-print-directory dialects)
	QUICK=$(QUICK) JOBS=$(JOBS) RUNS=$(RUNS) sh tests/bench/bench.sh $(TARGET)/release

QUICKLY := $(filter-out 0,$(QUICK))
RESULTS = $(abspath $(TARGET))/bench/$(if $(QUICKLY),quick,results)
.PHONY: dialects
dialects: ## Measure what a row costs in each dialect of CSV, beside the plain one (QUICK=1, DIALECTS=epoch)
	@mkdir -p $(RESULTS)
	ROWS=$(if $(QUICKLY),100000,1000000) $(CARGO) bench --locked --workspace --bench dialects -- \
	    $(if $(DIALECTS),-,$(RESULTS)/dialects.json) $(DIALECTS)

.PHONY: decoders
decoders: ## Measure the decoders alone: bytes of raw JSON per second and core
	$(CARGO) bench --locked --workspace --bench decode

.PHONY: counts
counts: ## Count instructions of a release build against recorded figures (WRITE=1 records them)
	$(CARGO) build --locked --workspace --bins --release
	WRITE=$(WRITE) sh tests/counts/counts.sh $(TARGET)/release release

.PHONY: profile
profile: ## Where clean and aggregate spend instructions, below target/profile (KIND=irceline SIZE=7)
	$(CARGO) build --locked --workspace --bins --profile profiling
	sh tests/bench/profile.sh $(TARGET)/profiling/tributary $(or $(KIND),irceline) $(or $(SIZE),7) $(TARGET)/profile

.PHONY: chaos
chaos: ## Run ingest, clean and aggregate under scripted faults (SCHEDULES=10000, SEED=1)
	SCHEDULES=$(or $(SCHEDULES),10000) SEED=$(or $(SEED),1) $(CARGO) test --locked --release --package chaos

.PHONY: soak
soak: ## Many small uploads and many rows into one lake (UPLOADS=100000, ROWS=50000000)
	$(CARGO) build --locked --workspace --bins --release
	UPLOADS=$(UPLOADS) ROWS=$(ROWS) sh tests/bench/bench.sh $(TARGET)/release soak

.PHONY: scale
scale: ## What commands cost in lakes of a thousand to a million raw objects (OBJECTS=1000,10000)
	$(CARGO) build --locked --workspace --bins --release
	OBJECTS=$(OBJECTS) sh tests/bench/bench.sh $(TARGET)/release scale

.PHONY: fuzz
fuzz: ## Feed mutated inputs to every parser (INPUTS=1000000, SEED=1, PARSER=one of them)
	INPUTS=$(or $(INPUTS),1000000) SEED=$(or $(SEED),1) $(if $(PARSER),PARSER=$(PARSER)) \
	    $(CARGO) test --locked --release --package fuzz --test inputs

.PHONY: format
format: ## Format the code
	$(CARGO) fmt --all
	sh tests/lint.sh $(TARGET)/lint format

.PHONY: clean
clean: ## Remove what was built; ./lake stays, which may have more than the demo
	$(CARGO) clean
	@[ ! -e lake ] || echo "./lake stays: if nothing but \`make demo\` has written to it, rm -r lake removes it"
