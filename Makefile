# terraform-provider-kubeflow: one Makefile, no generator.
#
#   make          build/terraform-provider-kubeflow
#   make check    everything that CI runs          (make check T=name: one test)
#   make demo     local control plane + terraform apply of examples/quickstart
#
# Sources are found by folder; a new file needs no line here. Objects go to $(BUILD)/obj, the
# sanitised ones that the tests link to $(BUILD)/san.

VERSION := 0.1.0
BUILD   ?= build
CC      ?= cc

# --- flags ------------------------------------------------------------------------------------
PKGS := grpc libprotobuf-c libcurl jansson yaml-0.1 libarchive openssl msgpack
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(filter-out msgpack,$(PKGS)) 2>/dev/null) -lmsgpackc -lcrypt -lpthread -lm

WARN := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
CPPFLAGS_ALL := -D_GNU_SOURCE -DPROVIDER_VERSION='"$(VERSION)"' -I. -I$(BUILD)/gen $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS  ?= -O2 -g
CFLAGS_ALL := -std=gnu11 $(WARN) -fno-strict-aliasing -fPIE -fstack-protector-strong $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# --- sources ----------------------------------------------------------------------------------
LIB_SRCS  := $(wildcard lib/*/*.c resources/*.c resources/*/*.c)
HOST_SRCS := $(wildcard provider/plugin/*.c provider/rpc/*.c provider/cli/*.c)
PROTOS    := $(wildcard proto/*.proto proto/*/*/*.proto)
GEN_SRCS  := $(patsubst proto/%.proto,$(BUILD)/gen/proto/%.pb-c.c,$(PROTOS))
GEN_HDRS  := $(GEN_SRCS:.c=.h)

objs = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(patsubst $(BUILD)/%,%,$(2)))

LIB_OBJS  := $(call objs,obj,$(LIB_SRCS))
HOST_OBJS := $(call objs,obj,$(HOST_SRCS)) $(call objs,obj,$(GEN_SRCS))
SAN_LIB_OBJS  := $(call objs,san,$(LIB_SRCS))
SAN_HOST_OBJS := $(call objs,san,$(HOST_SRCS)) $(call objs,san,$(GEN_SRCS))

BIN     := $(BUILD)/terraform-provider-kubeflow
SAN_BIN := $(BUILD)/san/terraform-provider-kubeflow

.PHONY: all
all: $(BIN)

$(BIN): $(call objs,obj,provider/main.c) $(HOST_OBJS) $(LIB_OBJS)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(SAN_BIN): $(call objs,san,provider/main.c) $(SAN_HOST_OBJS) $(SAN_LIB_OBJS)
	$(CC) $(CFLAGS_ALL) $(SAN) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/obj/%.o: %.c | $(GEN_HDRS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/san/%.o: %.c | $(GEN_HDRS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(SAN) -MMD -MP -c -o $@ $<

# Generated C carries no warnings policy of ours.
$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -std=gnu11 -fPIE -O2 -g -w -c -o $@ $<

$(BUILD)/san/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -std=gnu11 -fPIE -O1 -g -w -c -o $@ $<

# --- generated code ---------------------------------------------------------------------------
$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h &: proto/%.proto
	@mkdir -p $(BUILD)/gen
	protoc-c --c_out=$(BUILD)/gen -I. $<

# --- unit tests: tests/unit/<folder>/test_<module>.c, one program each -------------------------
# A test links every object that isn't main: what it doesn't use costs nothing.
TEST_SRCS := $(wildcard tests/unit/*/test_*.c)
TEST_BINS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(TEST_SRCS))
CHECK_LIBS = $(shell pkg-config --cflags --libs check)

$(BUILD)/libsan.a: $(SAN_LIB_OBJS) $(SAN_HOST_OBJS)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libsan.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(SAN) -Itests -MMD -MP -MF $@.d -o $@ $< $(BUILD)/libsan.a $(PKG_LIBS) $(CHECK_LIBS)

.PHONY: check-unit
check-unit: $(TEST_BINS)
	@set -e; for t in $(TEST_BINS); do case $$t in *$(T)*) $$t ;; esac; done

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/san $(BUILD)/unit -name '*.d' 2>/dev/null)
