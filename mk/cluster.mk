# Several servers and workers over one database and one store. `make test-server` runs the tests; the rest takes long.
.PHONY: test-cluster soak-cluster bench-cluster

# Two API servers and two workers over PostgreSQL, PgBouncer and SeaweedFS: each can end what another began, and each can be killed.
test-cluster: test-rust .venv/tests tests/sdk/node_modules
	cd tests/server && $(CURDIR)/.venv/bin/python -W error::ResourceWarning test_cluster.py

# 1,000 kills at random moments under 10,000 small jobs. KILLS, JOBS, GAP, STORE_SECS and SEED change it. It takes hours.
soak-cluster: build .venv/tests
	cd tests/server && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut $(CURDIR)/.venv/bin/python soak_cluster.py

# Figures of a cluster, and their plot. PARTS, JOBS, SECONDS and SPAN change it.
bench-cluster: build .venv/tests
	cargo build --release --locked -p clearcut-queue --example claims
	mkdir -p out/bench
	cd tests/server && CLEARCUT_BIN=$(CURDIR)/target/release/clearcut $(CURDIR)/.venv/bin/python bench_cluster.py > $(CURDIR)/out/bench/cluster.json
	python3 -m venv out/venv && out/venv/bin/pip -q install numpy matplotlib
	out/venv/bin/python scripts/plot-scaling.py out/bench/cluster.json docs/pictures/scaling.png
