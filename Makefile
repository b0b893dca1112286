# tse-reconcile: every task a person runs. `make help` lists them.
#
#   V=1      show the commands, not only their subjects
#   B        build folder              (make B=build/clang CC=clang)
#   SANITIZE sanitizers to build with  (make SANITIZE=address,undefined B=build/asan)

B        ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
SANITIZE ?=
Q        := $(if $(V),,@)
PREFIX   ?= /usr/local
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

PACKAGES := libcurl yaml-0.1 jansson libcrypto hiredis
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
CFLAGS   ?= -O2 -g
override CFLAGS  += -std=c17 -D_GNU_SOURCE $(WARNINGS) -Ireconciler -I. \
                    $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) \
                    $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
override LDFLAGS += $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LDLIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

SOURCES  := $(shell find reconciler -name '*.c' | sort)
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)
LIBRARY  := $(B)/libtse.a

# The registry: a program of its own, which shares reconciler/base/.
REGISTRY_PACKAGES := libwebsockets hiredis libpq jansson libcrypto
REGISTRY_SOURCES  := $(sort $(wildcard registry/*.c))
REGISTRY_OBJECTS  := $(REGISTRY_SOURCES:%.c=$(B)/%.o)
REGISTRY_LIBRARY  := $(B)/libregistry.a
REGISTRY_LIBS     := $(shell pkg-config --libs $(REGISTRY_PACKAGES) 2>/dev/null)
$(REGISTRY_OBJECTS): override CFLAGS += $(shell pkg-config --cflags $(REGISTRY_PACKAGES) 2>/dev/null)

UNIT_TESTS   := $(wildcard tests/unit/test_*.c)
UNIT_HELPERS := $(filter-out $(UNIT_TESTS),$(wildcard tests/unit/*.c))
UNIT_BINS    := $(UNIT_TESTS:%.c=$(B)/%)
FUZZ_BINS    := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH_BINS   := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))

.PHONY: all packages up images test unit unit-bins fuzz-bins bench bench-bins check format install clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/tse-reconcile $(B)/tse-registry ## build build/tse-reconcile and build/tse-registry

up: ## a fresh machine: install, build, start an engine, make the images, apply environments/dev.yaml
	setup/packages build engine
	$(MAKE) all
	setup/engine
	images/make --pull
	$(B)/tse-reconcile apply environments/dev.yaml
	$(B)/tse-reconcile status environments/dev.yaml

images: ## pull or make the images that the machine does not have
	images/make --pull

test: ## a fresh machine: install, build, run every test
	setup/packages build engine test
	tests/run

unit: unit-bins ## build and run the unit tests only
	@set -e; for test in $(UNIT_BINS); do $$test; done

bench: all bench-bins ## measure speed and size against raw API calls and docker-compose
	tests/bench/run

check: ## formatting, clang-tidy, cppcheck, direction of imports, generated files
	tests/check

format: ## format all C files
	clang-format -i $$(git ls-files '*.c' '*.h')

install: all ## install to PREFIX (/usr/local)
	install -D -m 755 $(B)/tse-reconcile $(DESTDIR)$(PREFIX)/bin/tse-reconcile
	install -D -m 755 $(B)/tse-registry $(DESTDIR)$(PREFIX)/bin/tse-registry

clean: ## remove everything built
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(B)/tse-reconcile: $(B)/reconciler/main.o $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tse-registry: $(B)/registry/main.o $(REGISTRY_LIBRARY) $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(REGISTRY_LIBS)

$(REGISTRY_LIBRARY): $(filter-out $(B)/registry/main.o,$(REGISTRY_OBJECTS))
	@rm -f $@
	$(if $(V),,@echo '  AR    $@')
	$(Q)ar rcs $@ $^

# Which holds the text of the API's description.
$(B)/registry/answers.o: registry/openapi.json

$(LIBRARY): $(filter-out $(B)/reconciler/main.o,$(OBJECTS))
	@rm -f $@
	$(if $(V),,@echo '  AR    $@')
	$(Q)ar rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC    $@')
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# The version is compiled into one file, so that a commit does not rebuild everything; the stamp changes
# only when the version does.
$(B)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

$(B)/reconciler/commands/version.o: $(B)/version
$(B)/reconciler/commands/version.o: override CFLAGS += -DTSE_VERSION='"$(VERSION)"'

# Tests see the internals, and Criterion's macros do not survive -Wconversion.
$(B)/tests/%.o: override CFLAGS += -Itests -Wno-conversion -Wno-sign-conversion -Wno-shadow

$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(UNIT_HELPERS:%.c=$(B)/%.o) $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcriterion

$(B)/tests/unit/test_registry_%: $(B)/tests/unit/test_registry_%.o $(REGISTRY_LIBRARY) $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(REGISTRY_LIBS) -lcriterion

$(B)/tests/fuzz/fuzz_registry: $(B)/tests/fuzz/fuzz_registry.o $(REGISTRY_LIBRARY) $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(REGISTRY_LIBS)

# make fuzz-bins CC=clang SANITIZE=fuzzer-no-link,address,undefined B=build/fuzz
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(LIBRARY)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Standalone: it must not depend on what it tests.
$(B)/tests/fault/proxy: tests/fault/proxy.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LINK  $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

unit-bins: $(UNIT_BINS)
fuzz-bins: $(FUZZ_BINS)
bench-bins: $(BENCH_BINS)

-include $(OBJECTS:.o=.d) $(REGISTRY_OBJECTS:.o=.d)
-include $(patsubst %.c,$(B)/%.d,$(wildcard tests/*/*.c))
