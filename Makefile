# SPDX-License-Identifier: BSD-2-Clause
#
# Two words for newcomers: make demo, make test. All the work is Meson's; this only calls it.

DESTDIR ?=
PREFIX ?= /usr/local
SECONDS_PER_TARGET ?= 30

.PHONY: all build test test-wifi demo lint asan valgrind fuzz mutate bench bench-rekey soak install clean

all: build

# The programs: build/berth, build/berth-masa ...
build: build/build.ninja
	@ninja -C build --quiet

build/build.ninja:
	@tools/install-deps build test
	@meson setup build --prefix=$(PREFIX) >build-setup.log || { cat build-setup.log; rm -rf build; exit 1; }
	@rm -f build-setup.log

test:
	@tools/install-deps build test wifi
	@$(MAKE) --no-print-directory build
	@meson test -C build --no-rebuild --no-suite slow --print-errorlogs

# Whole onboardings over simulated Wi-Fi in a virtual machine (tests/lab), one after another.
test-wifi:
	@tools/install-deps build test wifi
	@$(MAKE) --no-print-directory build
	@meson test -C build --no-rebuild --suite wifi --num-processes 1 --print-errorlogs

demo:
	@tools/install-deps build test demo
	@$(MAKE) --no-print-directory build
	@tools/demo

lint:
	@tools/install-deps build test lint
	@$(MAKE) --no-print-directory build
	@tools/lint

# The tests under AddressSanitizer and UndefinedBehaviorSanitizer.
asan:
	@tools/install-deps build test
	@[ -f build-asan/build.ninja ] || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-asan --quiet
	@UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C build-asan --no-rebuild --no-suite slow --no-suite layer --no-suite wifi \
		--print-errorlogs --timeout-multiplier 4

valgrind:
	@tools/install-deps build test lint
	@$(MAKE) --no-print-directory build
	@meson test -C build --no-rebuild --suite unit --timeout-multiplier 20 --print-errorlogs \
		--wrapper 'valgrind --quiet --error-exitcode=99 --suppressions=$(CURDIR)/tests/valgrind.supp --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite'
	@meson test -C build --no-rebuild --suite valgrind --print-errorlogs

# Each target for SECONDS_PER_TARGET seconds, from its corpus.
fuzz:
	@tools/install-deps build test lint
	@tools/fuzz $(SECONDS_PER_TARGET)

# Every wrong line of tests/mutation must turn its named test red.
mutate:
	@tools/install-deps build test
	@tools/mutate

bench:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory build
	@tools/bench
	@tools/bench-dpp
	@tools/bench-crowd
	@tools/bench-rekey --devices=2000

# A fleet of a hundred thousand that is re-keyed: twenty minutes.
bench-rekey:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory build
	@tools/bench-rekey

# A thousand seeds of the simulation; docs/soak.md keeps what came out.
soak:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory build
	@tools/soak kill
	@tools/soak mean
	@tools/soak --record docs/soak.md

install: build
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

clean:
	@rm -rf build build-asan build-fuzz build-analyzer
