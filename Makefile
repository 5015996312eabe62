# Short names for what the presets do: `make test`, `make asan`, ...  Build directories are
# build/<preset>; JOBS=n limits the compilers at work.
JOBS ?= $(shell nproc)

SOURCES = $(shell find include crypto audit vault api cli tests bench -name '*.[ch]')
SCRIPTS = check quickstart scripts/* tests/*.sh tests/*/*.sh examples/sample-shop/make .ci/run

.PHONY: all build release test asan tsan fuzz coverage bench fmt fmt-check lint deps check \
	clean clean-tree

all: build

build release: ; @cmake --preset release && cmake --build --preset release -j $(JOBS)
test:     ; @cmake --preset dev  && cmake --build --preset dev  -j $(JOBS) && ctest --preset dev
asan:     ; @cmake --preset asan && cmake --build --preset asan -j $(JOBS) && ctest --preset asan
tsan:     ; @cmake --preset tsan && cmake --build --preset tsan -j $(JOBS) && ctest --preset tsan
fuzz:     ; @cmake --preset fuzz && cmake --build --preset fuzz -j $(JOBS) && ctest --preset fuzz
coverage: ; @./check --coverage
check:    ; @./check
deps:     ; @scripts/deps all

# bench/run where there is one, else each program.
bench: build
	@if [ -x bench/run ]; then bench/run build/release; else \
	    find build/release/bench -maxdepth 1 -type f -perm -u+x -exec {} \; ; fi

fmt:       ; @clang-format -i $(SOURCES)
fmt-check: ; @clang-format --dry-run -Werror $(SOURCES)

lint:
	@cmake --preset dev
	@clang-tidy --quiet -p build/dev $(filter %.c,$(SOURCES))
	@shellcheck $(wildcard $(SCRIPTS))

clean: ; @rm -rf build

# Fails when a build left anything in the tree that git does not ignore.
clean-tree:
	@test -z "$$(git status --porcelain)" || { git status --short; exit 1; }
