# The probe: the plugin host and lib/tf with a provider that plays what tests ask for.
#
# Its registry.c stands in for resources/registry.c. Everything else comes from an archive, so the
# real registry, which nothing refers to any more, stays out.

PROBE_SRCS := $(wildcard tests/acceptance/probe/*.c)
PROBE      := $(BUILD)/terraform-provider-probe
SAN_PROBE  := $(BUILD)/san/terraform-provider-probe

$(BUILD)/libobj.a: $(HOST_OBJS) $(LIB_OBJS)
	rm -f $@ && ar rcs $@ $^

$(PROBE): $(call objs,obj,provider/main.c $(PROBE_SRCS)) $(BUILD)/libobj.a
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(SAN_PROBE): $(call objs,san,provider/main.c $(PROBE_SRCS)) $(BUILD)/libsan.a
	$(CC) $(CFLAGS_ALL) $(SAN) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)
