#!/usr/bin/env python3
"""Writes lib/krm/mergekeys.def: the lists of built-in kinds that a strategic merge patch merges.

Input (first argument): the OpenAPI v2 document of Kubernetes v1.21.2 (api/openapi-spec/swagger.json
of its source tree), the schema that kustomize 5.5 has built in. Output (second argument): the table.
Only what leads to a merged list is kept: lists without the "merge" strategy are replaced as a whole,
so nothing below them matters.
"""
import json
import sys

HEADER = """/* What strategic merge knows of built-in kinds; made by lib/krm/gen/mergekeys.py.
 *
 * MERGE_ROOT(apiVersion, kind, type) names the type of a kind, MERGE_FIELD(type, field, child, keys)
 * the fields of a type that lead to merged lists: child is the type of the field, or of the list's
 * elements; keys is NULL for an object, the merge keys of a list of objects ("port,protocol"), or
 * "" for a list of plain values. Both are sorted bytewise, so that they can be searched. */
"""


def short(name):
    """io.k8s.api.core.v1.PodSpec -> core.v1.PodSpec"""
    return ".".join(name.split(".")[-3:])


def target(schema, definitions):
    """The definition that a schema refers to, or None."""
    ref = schema.get("$ref", "").rsplit("/", 1)[-1]
    return ref if ref in definitions else None


def fields_of(definition, definitions):
    """(field, child or None, keys or None) of all fields through which a patch descends."""
    for field, schema in definition.get("properties", {}).items():
        if schema.get("type") != "array":
            child = target(schema, definitions)
            if child:
                yield field, child, None
            continue
        if "merge" not in schema.get("x-kubernetes-patch-strategy", "").split(","):
            continue
        keys = schema.get("x-kubernetes-list-map-keys")
        if not keys:
            key = schema.get("x-kubernetes-patch-merge-key")
            keys = [key] if key else []
        yield field, target(schema["items"], definitions), ",".join(keys)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        definitions = json.load(f)["definitions"]
    rows = {name: list(fields_of(d, definitions)) for name, d in definitions.items()}

    # A type is of use when it has a merged list, or a field whose type is of use.
    useful = set()
    while True:
        more = {
            name
            for name, fields in rows.items()
            if any(keys is not None or child in useful for _, child, keys in fields)
        }
        if more == useful:
            break
        useful = more

    roots, lines = [], []
    for name in useful:
        for field, child, keys in rows[name]:
            if keys is None and child not in useful:
                continue
            child_text = f'"{short(child)}"' if child in useful else "NULL"
            keys_text = "NULL" if keys is None else f'"{keys}"'
            lines.append((short(name), field, child_text, keys_text))
        for gvk in definitions[name].get("x-kubernetes-group-version-kind", []):
            api_version = "/".join(p for p in (gvk["group"], gvk["version"]) if p)
            roots.append((api_version, gvk["kind"], short(name)))

    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(HEADER)
        out.write("#ifdef MERGE_ROOT\n")
        for row in sorted(roots):
            out.write('MERGE_ROOT("%s", "%s", "%s")\n' % row)
        out.write("#endif\n#ifdef MERGE_FIELD\n")
        for row in sorted(lines):
            out.write('MERGE_FIELD("%s", "%s", %s, %s)\n' % row)
        out.write("#endif\n")


main()
