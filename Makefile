# The project's one interface: everything CI does is a target here.
# Each target installs what it needs, from pinned versions, and does nothing the second time.

TOOLS := $(CURDIR)/integration/tools/bin
TOOLS_STAMP := $(TOOLS)/.stamp
export PATH := $(TOOLS):$(PATH)
export CARGO_TERM_PROGRESS_WHEN := never

# What `make bench` runs; empty: everything. CONTRIBUTING.md says more.
export ROUNDS COLD_ROUNDS QUICK CASES PROJECTS BENCH_COLUMNS COMPILE_CACHE
BENCH_TOOLS := $(CURDIR)/integration/bench/tools/bin
BENCH_STAMP := $(BENCH_TOOLS)/.stamp

# The Go sources that are formatted.
GO_SOURCES := $(addprefix integration/,tools/runimage tools/moduleproxy tools/llbgolden bench/projects)

# The frontend image's name and architectures; the builder's own is always among them. A static program
# needs its target named, or build scripts are static, too.
FRONTEND_REF ?= gobuild:latest
FRONTEND_ARCHITECTURES ?= $(ARCHITECTURE)
ARCHITECTURE = $(patsubst x86_64-%,amd64,$(patsubst aarch64-%,arm64,$(shell rustc -vV | sed -n 's/^host: //p')))
TARGET_amd64 := x86_64-unknown-linux-gnu
TARGET_arm64 := aarch64-unknown-linux-gnu
CC_amd64 := x86_64-linux-gnu-gcc
CC_arm64 := aarch64-linux-gnu-gcc
CROSS_amd64 := gcc-x86-64-linux-gnu
CROSS_arm64 := gcc-aarch64-linux-gnu
static_program = target/$(TARGET_$(1))/release/gobuild

# What a shell starts in the background ignores Ctrl-C, and so would what tests start.
HEEDING := env --default-signal=INT

.DEFAULT_GOAL := help
.PHONY: help demo test unit-test integration-test bench frontend lint fmt fmt-check docs proto snapshots tools busybox runc docker ci clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools runc ## Build examples/hello into an image with no registry, and run what was built
	cargo build --release --locked
	integration/demo.sh target/release/gobuild

frontend: tools runc $(patsubst %,static-%,$(sort $(ARCHITECTURE) $(FRONTEND_ARCHITECTURES))) ## Build the frontend image into target/frontend.tar: make frontend FRONTEND_REF=REGISTRY/gobuild:TAG PUSH=1 FRONTEND_ARCHITECTURES="amd64 arm64"
	$(call static_program,$(ARCHITECTURE)) frontend pack --tag $(FRONTEND_REF) --archive target/frontend.tar \
		$(foreach each,$(FRONTEND_ARCHITECTURES),--program linux/$(each)=$(call static_program,$(each))) $(if $(PUSH),--push)

static-%: # A static gobuild for an architecture
	@command -v $(CC_$*) >/dev/null || { apt-get update -qq && apt-get install -y -qq $(CROSS_$*); }
	@test $* = $(ARCHITECTURE) || rustup target add $(TARGET_$*)
	env CC_$(subst -,_,$(TARGET_$*))=$(CC_$*) \
		CARGO_TARGET_$(shell echo $(TARGET_$*) | tr 'a-z-' 'A-Z_')_LINKER=$(CC_$*) \
		RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target $(TARGET_$*) --bins

test: unit-test integration-test ## Pass all tests

unit-test: ## Tests that need no daemon
	$(HEEDING) cargo test --locked --lib --bins

integration-test: tools runc docker ## Tests against a real buildkitd, registry and Docker Engine
	cargo build --locked --bins
	cargo test --locked --test integration --no-run
	integration/with-daemon.sh $(HEEDING) cargo test --locked --test integration

lint: ## clippy, warnings denied
	cargo clippy --locked --all-targets -- -D warnings

bench: tools runc $(BENCH_STAMP) busybox ## Measure beside Dockerfiles, ko and go build into target/bench: make bench QUICK=1
	PATH="$(BENCH_TOOLS):$$PATH" cargo bench --locked --bench bench

fmt: ## Format the sources
	cargo fmt
	gofmt -w $(GO_SOURCES)

fmt-check: ## Fail if a source is not formatted
	cargo fmt --check
	gofmt -d $(GO_SOURCES)
	@test -z "$$(gofmt -l $(GO_SOURCES))"

docs: ## Build the API documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

proto: ## Regenerate the Rust code of proto/
	UPDATE_PROTO=1 cargo test --locked --lib proto_is_current

snapshots: ## Regenerate the golden LLB from BuildKit's Go client, and plan snapshots
	cd integration/tools && go run ./llbgolden $(CURDIR)/src/llb/golden
	UPDATE_SNAPSHOTS=1 cargo test --locked --lib snapshot

tools: $(TOOLS_STAMP) ## Build the pinned tools (buildkitd, buildctl, buildx, registry, crane) into integration/tools/bin

$(TOOLS_STAMP): integration/tools/go.mod integration/tools/go.sum integration/tools/buildx/go.mod integration/tools/buildx/go.sum $(wildcard integration/tools/runimage/*.go integration/tools/moduleproxy/*.go)
	@mkdir -p $(TOOLS)
	cd integration/tools && CGO_ENABLED=0 go build -o $(TOOLS)/ tool
	cd integration/tools/buildx && CGO_ENABLED=0 go build -o $(TOOLS)/ tool
	cd integration/tools && CGO_ENABLED=0 go build -o $(TOOLS)/ ./runimage ./moduleproxy
	@touch $@

$(BENCH_STAMP): integration/bench/tools/go.mod integration/bench/tools/go.sum
	@mkdir -p $(BENCH_TOOLS)
	cd integration/bench/tools && CGO_ENABLED=0 go build -o $(BENCH_TOOLS)/ tool
	@touch $@

busybox: # The shell of the bench's golang image
	@command -v busybox >/dev/null || { apt-get update -qq && apt-get install -y -qq busybox-static; }

runc: ## Install runc, which buildkitd runs steps with
	@command -v runc >/dev/null || { apt-get update -qq && apt-get install -y -qq runc; }

docker: ## Install Docker's engine, which tests build with and load images into
	@command -v dockerd >/dev/null || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io; }

ci: fmt-check lint docs test ## All that CI checks

clean: ## Remove what was built
	cargo clean
	rm -rf $(TOOLS) $(BENCH_TOOLS)
