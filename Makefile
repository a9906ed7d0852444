# SPDX-License-Identifier: MIT
# A thin cover over Meson: `make` builds, `make run` shows, `make test` proves. See CONTRIBUTING.md.
BUILD ?= build
MNT   ?= mnt
SETUP := tools/setup

.PHONY: all setup run stop test bench install clean asan tsan fuzz coverage format
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -n | grep -q 'no work to do' || ninja -C $(BUILD) --quiet
	@ln -sf src/cli/lintel $(BUILD)/lintel

setup:
	@$(SETUP) build

$(BUILD)/build.ninja:
	@$(SETUP) build
	@meson setup $(BUILD) $(OPTIONS) >/dev/null

run: all
	@$(SETUP) run
	@tools/run $(BUILD)/lintel $(MNT)

stop:
	@tools/run --stop $(BUILD)/lintel $(MNT)

# A build directory that was set up before the test packages came does not know of them yet.
TESTS_ON := $(BUILD)/.tests$(if $(CI),-werror)
$(TESTS_ON): | $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dtests=enabled $(if $(CI),-Dwerror=true)
	@touch $@

test:
	@$(SETUP) test
	@$(MAKE) --no-print-directory $(TESTS_ON)
	@$(MAKE) --no-print-directory all
	@tests/run $(BUILD)

bench:
	@$(SETUP) bench
	@$(MAKE) --no-print-directory all
	@bench/run $(BUILD)
	@bench/run --images $(BUILD)
	@bench/run --bridge $(BUILD)

install: all
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD)

# The tests once more, under the sanitizers.
asan:
	@$(MAKE) --no-print-directory test BUILD=build-asan OPTIONS=-Db_sanitize=address,undefined
tsan:
	@$(MAKE) --no-print-directory test BUILD=build-tsan OPTIONS=-Db_sanitize=thread

# The fuzz targets, in build-fuzz/tests/fuzz/libfuzzer-*.
fuzz:
	@$(SETUP) develop
	@CC=clang $(MAKE) --no-print-directory all BUILD=build-fuzz \
		OPTIONS="-Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false"

coverage:
	@$(SETUP) develop
	@$(MAKE) --no-print-directory test BUILD=build-coverage OPTIONS=-Db_coverage=true
	@gcovr --root . --filter src/ --exclude-unreachable-branches build-coverage

format:
	@$(SETUP) develop
	@git ls-files '*.[ch]' | grep -v upcase_table | xargs clang-format -i
