# terraform-provider-kubeflow: one Makefile, no generator, no recursion.
#
#   make            builds build/terraform-provider-kubeflow
#   make check      runs everything that CI runs            (make check T=lease: only such tests)
#   make demo       local control plane + terraform apply of examples/platform
#   make help       lists the other targets
#
# Sources are found by folder: a new file needs no line here. There are two trees of objects:
# $(BUILD)/obj is what users get, $(BUILD)/san is the same under AddressSanitizer and
# UndefinedBehaviorSanitizer, which tests link. Commands are shown with V=1.

VERSION := 0.1.0
BUILD   ?= build
CC      ?= cc
# part of the name of a test (check) or of a fuzz target (fuzz)
T ?=
# for check-render: the trees to compare on, instead of releases
DIR ?=
# how long `make fuzz` runs each target, in seconds
FUZZ_SECONDS ?= 60

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all
all: $(BUILD)/terraform-provider-kubeflow

# --- what must be installed -------------------------------------------------------------------
# .ci/deps installs the Debian packages that are missing, or says how to. It runs before anything
# else, since make makes the files that it includes first, and then starts anew with what is there.

NEEDS_NOTHING := help deps clean demo-clean format
NEEDS_TOOLS   := check% lint fuzz bench demo cluster dist

ifneq ($(filter-out $(NEEDS_NOTHING),$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/deps-$(if $(filter $(NEEDS_TOOLS),$(MAKECMDGOALS)),all,build).mk
endif

$(BUILD)/deps-%.mk: .ci/deps
	@.ci/deps $*
	@mkdir -p $(@D) && touch $@

.PHONY: deps
deps:
	.ci/deps all

# --- flags ------------------------------------------------------------------------------------

PKGS := grpc libprotobuf-c jansson yaml-0.1 openssl zlib \
        $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
# loaded when they are first used (lib/base/dynload.h)
LATER_PKGS := libcurl libarchive
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(LATER_PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcrypt -lpthread -lm
TEST_LIBS  := $(shell pkg-config --libs check libarchive 2>/dev/null)

# gRPC is some fifty shared objects, and loading them is most of a plugin's start. So what users get
# has gRPC and the small libraries inside, where their archives are installed; OpenSSL stays shared,
# for the sake of its updates.
INSIDE_PKGS := grpc libprotobuf-c jansson yaml-0.1 $(lastword $(PKGS))
SHARED_PKGS := openssl zlib
SHARED      := -lssl -lcrypto -lz -lrt -ldl -lm -lpthread -latomic
INSIDE_LIBS := $(filter-out $(SHARED),$(shell pkg-config --static --libs-only-l $(INSIDE_PKGS) 2>/dev/null))
INSIDE_LIBS := -Wl,--gc-sections -Wl,-Bstatic -Wl,--start-group $(INSIDE_LIBS) -Wl,--end-group -Wl,-Bdynamic \
               $(shell pkg-config --libs $(SHARED_PKGS) 2>/dev/null) -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic \
               -lcrypt -ldl -lrt -lpthread -lm

WARN := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
SAN  := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

CFLAGS       ?= -O2 -g
CPPFLAGS_ALL := -D_GNU_SOURCE -DPROVIDER_VERSION='"$(VERSION)"' -I. -I$(BUILD)/gen $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   := -std=gnu11 $(WARN) -fno-strict-aliasing -fPIE -fstack-protector-strong $(CFLAGS)
LDFLAGS_ALL  := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

COMPILE := $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)
LINK    := $(CC) $(CFLAGS_ALL)

# `$(call say,CC,$@)` in front of a command shows that instead of the command.
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2) &&)

# Everything is compiled anew when the commands change: this file changes only then.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(COMPILE) $(SAN) $(LDFLAGS_ALL) $(PKG_LIBS))' | cmp -s - $@ || \
	 echo '$(subst ','\'',$(COMPILE) $(SAN) $(LDFLAGS_ALL) $(PKG_LIBS))' >$@

.PHONY: FORCE
FORCE:

# --- sources ----------------------------------------------------------------------------------

LIB_SRCS  := $(wildcard lib/*/*.c resources/*.c resources/*/*.c)
HOST_SRCS := $(wildcard provider/*/*.c)
MAIN_SRC  := provider/main.c
PROTOS    := $(wildcard proto/*.proto proto/*/*/*.proto)
GEN_SRCS  := $(patsubst proto/%.proto,$(BUILD)/gen/proto/%.pb-c.c,$(PROTOS))
GEN_HDRS  := $(GEN_SRCS:.c=.h) $(BUILD)/gen/lib/base/sonames.h

# $(call objs,obj,a/b.c) is $(BUILD)/obj/a/b.o; generated sources lose their $(BUILD)/ first.
objs = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(patsubst $(BUILD)/%,%,$(2)))

# What tests link: everything but main, in an archive from which they take what they use.
$(BUILD)/libobj.a: $(call objs,obj,$(LIB_SRCS) $(HOST_SRCS) $(GEN_SRCS))
$(BUILD)/libsan.a: $(call objs,san,$(LIB_SRCS) $(HOST_SRCS) $(GEN_SRCS))
$(BUILD)/libfuz.a: $(call objs,fuz,$(LIB_SRCS))
$(BUILD)/lib%.a:
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^

# --- the provider -----------------------------------------------------------------------------

BIN     := $(BUILD)/terraform-provider-kubeflow
SAN_BIN := $(BUILD)/san/terraform-provider-kubeflow

$(BIN): $(call objs,obj,$(MAIN_SRC) $(LIB_SRCS) $(HOST_SRCS) $(GEN_SRCS)) $(BUILD)/bin-libs
	$(call say,LINK,$@) $(LINK) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) @$(BUILD)/bin-libs

# which of the two it is here
$(BUILD)/bin-libs: $(BUILD)/flags Makefile
	@if echo 'int main(void) { return 0; }' | $(LINK) -x c -o $@.try - -x none $(INSIDE_LIBS) 2>/dev/null; \
	then echo '$(INSIDE_LIBS)'; else echo '$(PKG_LIBS)'; fi >$@; rm -f $@.try

$(SAN_BIN): $(call objs,san,$(MAIN_SRC) $(LIB_SRCS) $(HOST_SRCS) $(GEN_SRCS))
	$(call say,LINK,$@) $(LINK) $(SAN) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(GEN_HDRS)
	@mkdir -p $(@D)
	$(call say,CC,$@) $(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/san/%.o: %.c $(BUILD)/flags | $(GEN_HDRS)
	@mkdir -p $(@D)
	$(call say,CC,$@) $(COMPILE) $(SAN) -MMD -MP -c -o $@ $<

# --- generated code ---------------------------------------------------------------------------
# C from proto/. Our warnings aren't protoc-c's.

$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h &: proto/%.proto
	@mkdir -p $(BUILD)/gen
	$(call say,GEN,$@) protoc-c --c_out=$(BUILD)/gen -I. $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@) $(COMPILE) -w -c -o $@ $<

$(BUILD)/san/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@) $(COMPILE) $(SAN) -w -c -o $@ $<

# The names under which the linker finds what is loaded later.
$(BUILD)/gen/lib/base/sonames.h: $(BUILD)/flags
	@mkdir -p $(@D)
	@echo 'int main(void) { return 0; }' | $(LINK) -x c -o $@.try - -x none -Wl,--no-as-needed \
	    $(shell pkg-config --libs $(LATER_PKGS) 2>/dev/null)
	$(call say,GEN,$@) readelf -d $@.try | \
	    sed -nE 's/.*\(NEEDED\).*\[lib(curl|archive)(.*)\]/#define \U\1\E_SONAME "lib\1\2"/p' >$@
	@rm $@.try; [ $$(wc -l <$@) -eq $(words $(LATER_PKGS)) ]

# --- tests ------------------------------------------------------------------------------------
# Each kind of test has a folder tests/<kind> with a program `run`, which prints one line per test
# and at the end "N passed, N failed"; tests/run starts them and adds up. What they need is built
# here first. With T=name only the tests whose path or name contains it run (and are built).

selected = $(if $(T),$(shell tests/select '$(T)' $(1)),$(1))
RUN_TESTS = @BUILD='$(BUILD)' T='$(T)' C_FLAGS='$(subst ','\'',$(CPPFLAGS_ALL) -std=gnu11 $(WARN))' \
            VERSION='$(VERSION)' tests/run

# tests/unit/<folder>/test_<module>.c, one Check program each
UNIT_SRCS := $(wildcard tests/unit/*/test_*.c)
UNIT_BINS := $(patsubst tests/%.c,$(BUILD)/%,$(call selected,$(UNIT_SRCS)))

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libsan.a
	@mkdir -p $(@D)
	$(call say,TEST,$@) $(COMPILE) $(SAN) -Itests -MMD -MP -MF $@.d -o $@ $< $(BUILD)/libsan.a $(PKG_LIBS) $(TEST_LIBS)

# renders whole releases a hundred times: without the sanitizers, which other tests of the same code have
$(BUILD)/unit/kubeflow/test_settings_table: tests/unit/kubeflow/test_settings_table.c $(BUILD)/libobj.a
	@mkdir -p $(@D)
	$(call say,TEST,$@) $(COMPILE) -Itests -MMD -MP -MF $@.d -o $@ $< $(BUILD)/libobj.a $(LDFLAGS_ALL) $(PKG_LIBS) $(TEST_LIBS)

# tests/fuzz/fuzz_<parser>.c; here without a fuzzer, for replaying tests/fuzz/corpus/<parser>
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BINS := $(patsubst tests/%.c,$(BUILD)/%,$(call selected,$(FUZZ_SRCS)))

$(BUILD)/fuzz/fuzz_%: $(BUILD)/san/tests/fuzz/fuzz_%.o $(BUILD)/san/tests/fuzz/replay.o $(BUILD)/libsan.a
	@mkdir -p $(@D)
	$(call say,LINK,$@) $(LINK) $(SAN) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# the renderer by itself, compared with kustomize
RENDER_BINS := $(BUILD)/render $(BUILD)/compare
RENDER_OBJS := $(call objs,obj,$(filter-out %_main.c,$(wildcard tests/render/*.c)))

$(RENDER_BINS): $(BUILD)/%: $(BUILD)/obj/tests/render/%_main.o $(RENDER_OBJS) $(BUILD)/libobj.a
	$(call say,LINK,$@) $(LINK) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# The plugin host with a provider behind it that plays what tests ask for. Its registry.c stands in
# for resources/registry.c, to which then nothing refers, so that it stays in the archive.
PROBE_SRCS := $(MAIN_SRC) $(wildcard tests/acceptance/probe/*.c)
PROBE      := $(BUILD)/terraform-provider-probe
SAN_PROBE  := $(BUILD)/san/terraform-provider-probe

$(PROBE): $(call objs,obj,$(PROBE_SRCS)) $(BUILD)/libobj.a
	$(call say,LINK,$@) $(LINK) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(SAN_PROBE): $(call objs,san,$(PROBE_SRCS)) $(BUILD)/libsan.a
	$(call say,LINK,$@) $(LINK) $(SAN) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# A real control plane in one program (tests/cluster). Without Go the tests that need it say so.
CLUSTER_SRCS := $(wildcard tests/cluster/*.go) tests/cluster/go.mod tests/cluster/go.sum
CLUSTER      := $(if $(shell command -v go),$(BUILD)/cluster)
KUBERNETES    = $(shell sed -n 's/^\tk8s.io\/kubernetes v//p' tests/cluster/go.mod)
GO_VERSION_OF = -X k8s.io/component-base/version

$(BUILD)/cluster: $(CLUSTER_SRCS) tests/cluster/build
	@mkdir -p $(@D)
	$(call say,GO,$@) tests/cluster/build -trimpath -buildvcs=false -o '$(abspath $@)' -ldflags "-s -w \
	    $(GO_VERSION_OF).gitVersion=v$(KUBERNETES) $(GO_VERSION_OF).gitTreeState=clean \
	    $(GO_VERSION_OF).gitMajor=$(word 1,$(subst ., ,$(KUBERNETES))) \
	    $(GO_VERSION_OF).gitMinor=$(word 2,$(subst ., ,$(KUBERNETES)))"

ACCEPTANCE_BINS := $(if $(call selected,$(wildcard tests/acceptance/test_*.sh)),$(BIN) $(SAN_BIN) $(PROBE) $(CLUSTER))

.PHONY: check check-lint check-unit check-fuzz check-render check-acceptance
check: $(GEN_HDRS) $(UNIT_BINS) $(FUZZ_BINS) $(if $(T),,$(RENDER_BINS)) $(ACCEPTANCE_BINS)
	$(RUN_TESTS) lint unit fuzz render acceptance
check-lint: $(GEN_HDRS)
	$(RUN_TESTS) lint
check-unit: $(UNIT_BINS)
	$(RUN_TESTS) unit
check-fuzz: $(FUZZ_BINS)
	$(RUN_TESTS) fuzz
# DIR: other trees to compare on than Kubeflow's releases
check-render: $(RENDER_BINS)
	$(if $(DIR),@BUILD='$(BUILD)' tests/render/check_render $(DIR),$(RUN_TESTS) render)
check-acceptance: $(ACCEPTANCE_BINS)
	$(RUN_TESTS) acceptance

.PHONY: lint format docs
lint: check-lint
docs: $(BIN)
	BUILD='$(BUILD)' docs/generate
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
	! command -v gofmt >/dev/null || gofmt -w tests/cluster
	! command -v terraform >/dev/null || terraform fmt -recursive examples

# --- fuzzing ----------------------------------------------------------------------------------
# Under libFuzzer, with clang; new inputs go to $(BUILD)/fuzz/corpus, the interesting ones by hand
# to tests/fuzz/corpus.

FUZZ_CC := clang -fsanitize=fuzzer-no-link $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(SAN)

$(BUILD)/fuz/%.o: %.c $(BUILD)/flags | $(GEN_HDRS)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@) $(FUZZ_CC) -MMD -MP -c -o $@ $<

$(BUILD)/fuz/fuzz_%: $(BUILD)/fuz/tests/fuzz/fuzz_%.o $(BUILD)/libfuz.a
	$(call say,LINK,$@) $(FUZZ_CC) -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

.PHONY: fuzz
fuzz: $(patsubst tests/fuzz/%.c,$(BUILD)/fuz/%,$(call selected,$(FUZZ_SRCS)))
	@set -e; for target in $^; do \
	    corpus=$(BUILD)/fuzz/corpus/$${target##*/fuzz_}; mkdir -p $$corpus; \
	    echo "--- $$target"; \
	    $$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
	        -artifact_prefix=$(BUILD)/fuzz/ $$corpus tests/fuzz/corpus/$${target##*/fuzz_}; \
	done

# --- by hand ----------------------------------------------------------------------------------

.PHONY: demo demo-clean cluster bench
demo: $(BIN) $(if $(KUBECONFIG),,$(CLUSTER))
	@BUILD='$(BUILD)' VERSION='$(VERSION)' examples/demo
demo-clean:
	@BUILD='$(BUILD)' VERSION='$(VERSION)' examples/demo clean

cluster: $(BUILD)/cluster
	@$(BUILD)/cluster start --dir $(abspath $(BUILD))/control-plane --detach
	@echo 'stop it with: $(BUILD)/cluster stop --dir $(BUILD)/control-plane --rm'

$(BUILD)/meter: $(BUILD)/obj/tests/bench/meter.o
	$(call say,LINK,$@) $(LINK) $(LDFLAGS_ALL) -o $@ $<

bench: $(BIN) $(RENDER_BINS) $(BUILD)/meter $(CLUSTER)
	@BUILD='$(BUILD)' T='$(T)' tests/bench/run

# --- releases ---------------------------------------------------------------------------------
# dist/ is what Terraform's registry takes: archive, checksums and manifest.

PLATFORM   := linux_$(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m)))
PLUGIN_DIR ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/terraform/plugins
DIST       := $(BUILD)/dist/terraform-provider-kubeflow_$(VERSION)

.PHONY: install dist
install: $(BIN)
	install -D $(BIN) '$(PLUGIN_DIR)/registry.terraform.io/mlops8020/kubeflow/$(VERSION)/$(PLATFORM)/terraform-provider-kubeflow_v$(VERSION)'

dist: $(DIST)_SHA256SUMS

$(DIST)_$(PLATFORM).zip: $(BIN) LICENSE
	@rm -rf $(@D) && mkdir -p $(@D)
	$(call say,ZIP,$@) cp LICENSE $(@D) && strip -o $(@D)/terraform-provider-kubeflow_v$(VERSION) $(BIN) && \
	    touch -d @$$(git log -1 --format=%ct) $(@D)/* && \
	    cd $(@D) && TZ=UTC zip -Xqm $(@F) terraform-provider-kubeflow_v$(VERSION) LICENSE

$(DIST)_manifest.json: $(DIST)_$(PLATFORM).zip
	@printf '{\n  "version": 1,\n  "metadata": { "protocol_versions": ["6.0"] }\n}\n' >$@

$(DIST)_SHA256SUMS: $(DIST)_$(PLATFORM).zip $(DIST)_manifest.json
	$(call say,SUM,$@) cd $(@D) && sha256sum $(^F) >$(@F)

# ----------------------------------------------------------------------------------------------

.PHONY: clean help
clean:
	@! [ -d $(BUILD)/demo ] || BUILD='$(BUILD)' VERSION='$(VERSION)' examples/demo clean
	@! [ -d $(BUILD)/control-plane ] || $(BUILD)/cluster stop --dir $(BUILD)/control-plane --rm
	rm -rf $(BUILD)

help:
	@echo 'make                    the provider'
	@echo 'make check [T=name]     all tests: check-lint, check-unit, check-fuzz, check-render, check-acceptance'
	@echo 'make check-render DIR=d our renderer against kustomize on the kustomizations below d'
	@echo 'make demo, demo-clean   terraform apply of examples/platform; what it left behind goes away'
	@echo 'make cluster            a local control plane that stays'
	@echo 'make install            into the local mirror of Terraform'
	@echo 'make dist               what a release consists of, in $(BUILD)/dist'
	@echo 'make format, lint       as the house rules want it'
	@echo 'make docs               the parts of docs/ that the schema tells'
	@echo 'make fuzz [T=parser]    looks for inputs that break a parser (FUZZ_SECONDS=60 each)'
	@echo 'make bench [T=name]     measures'
	@echo 'make deps               installs what all of this needs'
	@echo 'make clean              removes $(BUILD)'

-include $(shell find $(BUILD)/obj $(BUILD)/san $(BUILD)/fuz $(BUILD)/unit -name '*.d' 2>/dev/null)
