# The seven things one does here; each is one line that calls `cargo xtask`.
# One target folder serves them all, so that nothing is built twice.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/entente/target

.PHONY: check test slow bless run bench dist
check: ; @cargo xtask check
test: ; @cargo xtask test
slow: ; @cargo xtask slow
bless: ; @cargo xtask bless
run: ; @cargo xtask run
bench: ; @cargo xtask bench
dist: ; @cargo xtask dist
