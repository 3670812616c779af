# What a release consists of, and its test.
.PHONY: dist test-deb

# An archive, a .deb, the packages of player and clients, a bill of materials and checksums, in target/dist.
dist:
	@scripts/setup.sh run
	scripts/dist.sh

# Installs the .deb in a fresh Debian, cuts, serves, upgrades with data kept, removes and purges it. Needs root, debootstrap and a mirror.
test-deb: dist
	scripts/test-deb.sh target/dist
