/* The services that go-plugin's hosts expect beside the plugin's own. */
#ifndef PLUGIN_SERVICES_H
#define PLUGIN_SERVICES_H

#include "provider/plugin/method.h"

/* NULL if the path isn't one of them. */
const struct method *services_find(const char *path);

/* The answer of a METHOD_IMMEDIATE or METHOD_SHUTDOWN of this table; static. */
const ProtobufCMessage *services_answer(const struct method *method);

#endif
