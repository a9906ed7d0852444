# SPDX-License-Identifier: MIT
# A thin cover over Meson: `make` builds, `make run` shows, `make test` proves.
BUILD ?= build
MNT   ?= mnt
SETUP := tools/setup

.PHONY: all setup run stop test bench install clean
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

setup:
	@$(SETUP) build

$(BUILD)/build.ninja:
	@$(SETUP) build
	@meson setup $(BUILD) >/dev/null

run: all
	@$(SETUP) run
	@mkdir -p $(MNT)
	@$(BUILD)/src/cli/lintel mount mem: $(MNT)
	@echo "A RAM disk is mounted at ./$(MNT). Put files in it; 'make stop' ends it."

stop:
	@$(BUILD)/src/cli/lintel umount $(MNT)

test:
	@$(SETUP) test
	@$(MAKE) --no-print-directory all
	@tests/run $(BUILD)

bench:
	@$(SETUP) bench
	@$(MAKE) --no-print-directory all
	@bench/run $(BUILD)

install: all
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD)
