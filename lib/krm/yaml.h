/* YAML to and from jansson trees, with the reading of scalars that kustomize has.
 *
 * Scanning is libyaml's; what a plain scalar means is decided in yaml_scalar.h, and the tree is the
 * one that the API server gets when the text passes through `kustomize build`:
 *  - null forms, true/false, decimal, 0x, 0o, 0b and 017 integers (underscores are skipped),
 * floats; .inf and .nan are refused (JSON has none); yes/no/on/off are strings; everything quoted
 * is one;
 *  - whole numbers within int64 are integers however they are written (1.0, 1e3); all other
 *    numbers, integers beyond int64 too, are doubles, which is what the API server makes of them;
 *  - dates are strings in RFC 3339 form: 2024-01-01 is "2024-01-01T00:00:00Z";
 *  - values in metadata.annotations of a document, or of a List's item, are the text as written;
 *  - !!str, !!int and the other core tags are honoured, !!binary is decoded, own tags are ignored.
 * Keys must be scalars and become strings as written. A key given twice is an error.
 *
 * Key order is the document's (jansson keeps insertion order). Anchors, aliases and merge keys
 * are expanded within YAML_MAX_ALIASED, so that no document can explode. Escaped surrogates
 * ("\ud83d\ude00") are not YAML and are refused, as kustomize does. */
#ifndef KRM_YAML_H
#define KRM_YAML_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define YAML_MAX_BYTES     ((size_t)64 << 20)
#define YAML_MAX_DEPTH     256
#define YAML_MAX_NODES     ((size_t)4 << 20)
#define YAML_MAX_ALIASED   400000 /* nodes that aliases, or copies by a patch, may repeat */
#define YAML_MAX_DOCUMENTS 20000

/* Parses all documents of a stream into a new JSON array; empty documents are left out.
 * JSON is YAML, so this reads JSON too. `name` is the file's name for messages, which read
 * "<name>: line L, column C: what is wrong".
 * 0, ERR_INVALID (syntax, duplicate key, value that doesn't fit its tag), ERR_LIMIT. */
int yaml_parse_all(const char *text, size_t len, const char *name, json_t **ret_documents,
                   struct err *err) WARN_UNUSED;

/* As yaml_parse_all, but a value that is left out ("key:") reads as yaml_blank(), a JSON null of its
 * own: strategic merges drop it where they keep a null that is written. json_equal tells it from
 * json_null(), so yaml_fill_blanks turns what is left of them into that before a tree is handed on.
 * Folded texts (">") come as they leave kustomize (yaml_fold.h). */
int yaml_parse_blanks(const char *text, size_t len, const char *name, json_t **ret_documents,
                      struct err *err) WARN_UNUSED;
json_t *yaml_blank(void);

/* Whether the text may have aliases: its tree may then be far bigger than any other of that length. */
bool yaml_may_alias(const char *text, size_t len);

/* As yaml_parse_blanks, for strategic-merge patches: a null removes an annotation too, and is not its
 * text. */
int yaml_parse_patch(const char *text, size_t len, const char *name, json_t **ret_documents,
                     struct err *err) WARN_UNUSED;
void yaml_fill_blanks(json_t *tree);

/* As yaml_parse_all, with the reading that kustomize has of its own files, which is YAML 1.1's: yes,
 * no, on, off, y and n are booleans, and of a key that is given twice the last counts. */
int yaml_parse_config(const char *text, size_t len, const char *name, json_t **ret_documents,
                      struct err *err) WARN_UNUSED;

/* Exactly one document; none gives JSON null, two are ERR_INVALID. */
int yaml_parse(const char *text, size_t len, const char *name, json_t **ret_value, struct err *err)
    WARN_UNUSED;

/* Appends one document as kustomize prints it: block style, two-space indent, sequences not indented
 * under their key, long texts folded at 80 columns, keys in the tree's order or sorted (naturally:
 * "v2" before "v10"). Strings that another YAML 1.1 or 1.2 reader would read as something else are
 * quoted; multi-line strings are literal blocks. yaml_parse gives the same tree again, except that
 * whole reals become integers. Ends with a newline; writes no "---". 0, or ERR_LIMIT when the
 * buffer's ceiling is reached. */
enum yaml_order { YAML_KEEP_ORDER, YAML_SORT_KEYS };
int yaml_write(const json_t *value, enum yaml_order order, struct buf *out, struct err *err)
    WARN_UNUSED;

/* Compact JSON with sorted keys: the canonical form that content hashes are made of. Integers and
 * reals are written as jansson does with JSON_REAL_PRECISION(17). Caller frees. */
char *krm_canonical_json(const json_t *value) WARN_UNUSED;

#endif
