# make demo        install what is missing, build, and run the energy lake end to end   (DATA=folder: your own CSV and JSON files instead)
# make test        install what is missing, build, and pass the tests
# make build       leave the program at build/release/tarn
# make check       everything that a change must pass: warnings as errors, all tests, sanitizers over the unit tests, tidy
# make asan | tsan the unit tests under AddressSanitizer and UBSan | under ThreadSanitizer
# make fuzz        every fuzz target for FUZZ_SECONDS each
# make bench       the figures of docs/BENCHMARKS.md, measured on this machine; 25 minutes   (BENCH="--quick sql": less of them)
# make tidy        formatting, direction of includes, size of files, banned words, generated pages
# make format      format what make tidy would complain of
SHELL := /bin/bash
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 20

.PHONY: all build demo test check asan tsan fuzz bench tidy format coverage clean setup
all: build

setup:
	@tools/setup build

# A change must build without warnings; a person's newer compiler may have some.
STRICT := $(if $(CI),-DTARN_WERROR=ON)

define compile
	@test -f build/$(1)/build.ninja || cmake --preset $(1) $(STRICT) > build/$(1).log 2>&1 || { mkdir -p build; cat build/$(1).log; exit 1; }
	@cmake --build build/$(1) -j $(JOBS) -- $(2)
endef

build: setup
	@mkdir -p build
	$(call compile,release,--quiet tarn)

demo: build
	@tools/setup demo
	@examples/energy/demo $(DATA)

test: build
	@tools/setup test
	$(call compile,release,--quiet)
	@tools/test

check:
	@tools/setup build test check
	@mkdir -p build
	@tools/check

asan:
	@tools/setup build check
	@mkdir -p build
	$(call compile,asan,--quiet unit_tests)
	@ctest --test-dir build/asan -L unit --output-on-failure -j $(JOBS)

tsan: setup
	@mkdir -p build
	$(call compile,tsan,--quiet)
	@ctest --test-dir build/tsan -L unit --output-on-failure -j $(JOBS)

fuzz:
	@tools/setup build check
	@mkdir -p build
	$(call compile,asan,--quiet fuzz)
	@tools/fuzz $(FUZZ_SECONDS)

bench: build
	@tools/setup bench
	$(call compile,release,--quiet bench)
	@bench/run $(BENCH)

tidy:
	@tools/setup build check
	@tools/tidy

format:
	@tools/setup build check
	@git ls-files 'src/*.cpp' 'src/*.hpp' 'tests/*.cpp' 'bench/*.cpp' | xargs clang-format-16 -i

coverage:
	@tools/generate_coverage.py

clean:
	@rm -rf build
