#!/usr/bin/env bash
# Makes what a release consists of, in target/dist: scripts/dist.sh. An archive and a .deb for this machine, the packages of the player
# and of both clients, a bill of materials (CycloneDX), a statement of the build, and checksums. `make dist` runs it.
#
# The archive has the date of the commit, sorted names and no owners, so that the same commit built by the same Rust in the same folder
# gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/target/tools dist=$PWD/target/dist
CARGO_DEB=3.8.0 CARGO_CYCLONEDX=0.5.9
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
machine=$(uname -m)

need() { # need NAME VERSION: a subcommand of cargo
  "$tools/bin/$1" --version 2>/dev/null | grep "$2" >/dev/null || cargo install --quiet --locked --root "$tools" --version "$2" "$1"
}

cargo build --release --locked --package clearcut
rm -rf "$dist"
mkdir -p "$dist/files"

program=target/release/clearcut
"$program" man > "$dist/files/clearcut.1"
"$program" completions bash > "$dist/files/clearcut.bash"
"$program" completions zsh > "$dist/files/_clearcut"
"$program" completions fish > "$dist/files/clearcut.fish"
"$program" serve --print-config > "$dist/files/clearcut.toml"

name=clearcut-$version-$machine-linux
mkdir "$dist/$name"
cp "$program" "$dist/files/"* README.md CHANGELOG.md SECURITY.md NOTICE LICENSE-MIT LICENSE-APACHE deploy/debian/clearcut.service "$dist/$name/"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$dist" -cf - "$name" | gzip -n9 > "$dist/$name.tar.gz"
rm -r "${dist:?}/$name"

need cargo-deb "$CARGO_DEB"
"$tools/bin/cargo-deb" deb --quiet --no-build --locked --package clearcut --output "$dist/"

need cargo-cyclonedx "$CARGO_CYCLONEDX"
"$tools/bin/cargo-cyclonedx" cyclonedx --quiet --manifest-path crates/clearcut/Cargo.toml --format json --spec-version 1.5 \
  --override-filename "clearcut-$version.cdx"
mv "crates/clearcut/clearcut-$version.cdx.json" "$dist/"
find crates -name "clearcut-$version.cdx.json" -delete

for package in player clients/typescript; do
  (cd "$package" && npm pack --silent --pack-destination "$dist" >/dev/null)
done
python3 -m pip wheel --quiet --no-deps --wheel-dir "$dist" clients/python

(cd "$dist" && find . -maxdepth 1 -type f ! -name '*.SHA256SUMS' -printf '%P\0' | sort -z | xargs -0 sha256sum > "$name.SHA256SUMS")
python3 - "$dist" "$version" "$commit" "$name" <<'PYTHON'
"""The statement of the build: what was made of which commit by what, in the form of in-toto and SLSA."""
import json, pathlib, subprocess, sys
dist, version, commit, name = pathlib.Path(sys.argv[1]), *sys.argv[2:]
subjects = [line.split("  ", 1) for line in (dist / f"{name}.SHA256SUMS").read_text().splitlines()]
statement = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": name, "digest": {"sha256": digest}} for digest, name in subjects],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {
        "buildDefinition": {
            "buildType": "https://slsa.dev/provenance/v1",
            "externalParameters": {"command": "make dist", "version": version},
            "resolvedDependencies": [{"uri": "git+clearcut", "digest": {"gitCommit": commit}}],
        },
        "runDetails": {"builder": {"id": subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()}},
    },
}
(dist / f"{name}.provenance.json").write_text(json.dumps(statement, indent=1) + "\n")
PYTHON
rm -r "$dist/files"
ls -l "$dist"
