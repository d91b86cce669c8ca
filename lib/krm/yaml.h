/* YAML to and from jansson trees, with the reading of scalars that Kubernetes' tools have.
 *
 * Scanning is libyaml's; what a plain scalar means is decided here, as sigs.k8s.io/yaml and
 * kyaml (go-yaml v3 with YAML 1.1 booleans off) decide it: null forms, true/false, decimal, octal
 * (0o17 and 017), hex and binary integers, floats, .inf refused (JSON has none), timestamps stay
 * strings, yes/no/on/off stay strings, everything quoted stays a string. Integers beyond int64
 * are kept exactly (see KRM_BIGINT below). Keys must be scalars and become strings.
 *
 * Key order is the document's (jansson keeps insertion order). Anchors, aliases and merge keys
 * are expanded within YAML_MAX_NODES, so that no document can explode. */
#ifndef KRM_YAML_H
#define KRM_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define YAML_MAX_BYTES     ((size_t)64 << 20)
#define YAML_MAX_DEPTH     256
#define YAML_MAX_NODES     ((size_t)4 << 20)
#define YAML_MAX_DOCUMENTS 20000

/* Parses all documents of a stream into a new JSON array; empty documents are left out.
 * JSON is YAML, so this reads JSON too. `name` is the file's name for messages, which read
 * "<name>: line L, column C: what is wrong".
 * 0, ERR_INVALID (syntax, duplicate key, unknown tag, number that JSON can't hold), ERR_LIMIT. */
int yaml_parse_all(const char *text, size_t len, const char *name, json_t **ret_documents,
                   struct err *err) WARN_UNUSED;

/* Exactly one document; none gives JSON null, two are ERR_INVALID. */
int yaml_parse(const char *text, size_t len, const char *name, json_t **ret_value,
               struct err *err) WARN_UNUSED;

/* Appends one document, block style, two-space indent, sequences not indented under their key,
 * keys in the tree's order or sorted. Strings that another YAML 1.1 or 1.2 reader would read as
 * something else are quoted; multi-line strings are literal blocks. Ends with a newline; writes
 * no "---". 0, or ERR_LIMIT when the buffer's ceiling is reached. */
enum yaml_order { YAML_KEEP_ORDER, YAML_SORT_KEYS };
int yaml_write(const json_t *value, enum yaml_order order, struct buf *out, struct err *err) WARN_UNUSED;

/* Compact JSON with sorted keys: the canonical form that content hashes are made of. Integers and
 * reals are written as jansson does with JSON_REAL_PRECISION(17). Caller frees. */
char *krm_canonical_json(const json_t *value) WARN_UNUSED;

#endif
