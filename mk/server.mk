# The server, and what else answers clients: its tests beside those of `cargo test`. All take the binary of CLEARCUT_BIN, which the Makefile sets.
.PHONY: test-server test-sdk test-mcp test-clients test-generated test-webhooks test-faults test-storage test-power test-greed test-hostile test-jobs test-input test-previews test-presets test-images test-image-jobs test-models test-metrics test-schema soak bench-server openapi error-codes

test-server: test-sdk test-mcp test-clients test-generated test-webhooks test-faults test-storage test-power test-greed test-hostile test-jobs test-input test-previews test-presets test-images test-image-jobs test-models test-metrics test-schema test-cluster

# The official SDK and tus-js-client from npm, and the documented curl loop.
test-sdk: test-rust tests/sdk/node_modules
	cd tests/sdk && node --test

# `clearcut mcp`, spoken to by the official client and the inspector of the protocol.
test-mcp: test-rust tests/mcp/node_modules
	cd tests/mcp && node --test

# The clients in clients/, against a real server.
test-clients: test-rust clients/typescript/node_modules .venv/tests
	cd clients/typescript && npm test --silent
	cd clients/python && $(CURDIR)/.venv/bin/mypy src && $(CURDIR)/.venv/bin/python -W error::ResourceWarning tests/test_client.py

# What is sent, verified by the packages of npm and PyPI; the examples of docs/guides/webhooks.md run as they stand.
test-webhooks: test-rust tests/webhooks/node_modules .venv/tests
	cd tests/webhooks && node --test
	cd tests/webhooks && $(CURDIR)/.venv/bin/python -W error::ResourceWarning test_webhooks.py

# kill -9, SIGSTOP, SIGTERM, a full disk: the real binary, real clips, the invariants after each.
test-faults: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_faults.py

# A disk that is full, read-only or has lost something, and good again.
test-storage: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_storage.py

# A few power cuts: what was acknowledged is there, whatever the disk kept of the rest.
test-power: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_power.py

# Clients that want more than their share, and a machine that has little to give.
test-greed: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_greed.py

# A tenth of `make hostile`, always the same.
test-hostile: test-rust
	cd tests/server && CASES=20 SEED=1 python3 hostile.py

# Clips made to hurt, kept and made by mutation. CASES and SEED change it.
.PHONY: hostile
hostile: build
	cd tests/server && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut python3 hostile.py

# Every fault against everything that a server does, as a table; about twenty minutes. ROWS and COLUMNS choose some.
.PHONY: fault-matrix
fault-matrix: build
	cd tests/server && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut python3 matrix.py

# Power cuts at random moments under submits by every way there is. CUTS, SEED, JOURNAL and LIES change it.
.PHONY: power-cut
power-cut: build
	cd tests/server && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut python3 power.py

# What owners may ask of their jobs, and who may do what.
test-jobs: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_jobs.py && python3 -W error::ResourceWarning test_access.py

# Clips by address from hosts that behave badly, uploads, what is kept and for how long.
test-input: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_input.py

# The preview of one frame, against the cut itself, and what a busy server says.
test-previews: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_previews.py

# Stickers over HTTP: what a preset makes, and what contradicts it.
test-presets: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_presets.py

# Images over HTTP: what is refused, and that nothing is left.
test-images: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_images.py

# Jobs of images: what comes out, hostile archives, and a server that is killed.
test-image-jobs: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_image_jobs.py

# Neural models over HTTP, with the model that setup installs.
test-models: test-rust
	cd tests/server && python3 -W error::ResourceWarning test_models.py

# The metrics, read by the parser of the Prometheus client.
test-metrics: test-rust .venv/tests
	cd tests/server && $(CURDIR)/.venv/bin/python -W error::ResourceWarning test_metrics.py

# A Python client that is generated from the OpenAPI document. tests/sdk has one in TypeScript.
test-generated: test-rust .venv/tests
	cd tests/server && $(CURDIR)/.venv/bin/python -W error::ResourceWarning test_clients.py

# Requests made up from the OpenAPI document.
test-schema: test-rust .venv/tests
	cd tests/server && $(CURDIR)/.venv/bin/python schema.py

# 500 kills at random moments under 1,000 submits by every way there is, with sweeps beside them; no acknowledged job is lost. KILLS,
# JOBS and SEED change it. About 40 minutes.
soak: build
	CLEARCUT_TIMING_CASES=2000 cargo test --locked -p clearcut-ffmpeg --test timing
	cd tests/server && python3 soak.py

# Submits and polls a second, time to the worker's start, memory with many connections; then what slow and greedy
# clients cost, kind by kind.
bench-server: build
	cd tests/server && python3 load.py && python3 greedy.py
	cargo test --release -p clearcut-queue --test it ten_thousand -- --ignored --nocapture

# After a change of the API on purpose; then `make clients`.
openapi:
	cargo run -q -p clearcut-api --example openapi > openapi.json

# The types of the TypeScript client, from the OpenAPI document. The test of the Python client names the fields that its models lack.
.PHONY: clients
clients: clients/typescript/node_modules
	cd clients/typescript && npm run --silent generate

# The table of error codes in docs/reference/errors.md, from the code.
error-codes:
	cargo run -q -p clearcut-job --example error_codes < docs/reference/errors.md > out/errors.md
	mv out/errors.md docs/reference/errors.md

# Screenshots of the page in docs/pictures.
.PHONY: page-screenshots
page-screenshots: build tests/browser/node_modules
	cd tests/browser && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut node screenshots.mjs ../../docs/pictures
	cd tests/browser && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut node journey.mjs ../../docs/pictures/journey.png
