/* JSON values as HCL. Secrets become variables: what they are isn't known here. */
#include <ctype.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "resources/kubeflow/import_parts.h"

#include "lib/base/banned.h"

#define INDENT 2

/* "${" and "%{" would begin a template. */
static void put_string(struct buf *out, const char *text)
{
    json_auto_t *value = json_string(text);
    char *quoted CLEANUP(mem_cleanup) = json_dumps(value, JSON_ENCODE_ANY);

    for (const char *c = quoted; *c; c++) {
        if ((*c == '$' || *c == '%') && c[1] == '{')
            buf_putc(out, *c);
        buf_putc(out, *c);
    }
}

static bool is_name(const char *key)
{
    if (!isalpha((unsigned char)key[0]) && key[0] != '_')
        return false;
    for (; *key; key++) {
        if (!isalnum((unsigned char)*key) && *key != '_' && *key != '-')
            return false;
    }
    return true;
}

static void put_value(struct buf *out, const json_t *value, int depth);

/* As it is written: names that can't stand alone are quoted. Heap string. */
static char *key_text(const char *key)
{
    struct buf out = BUF_INIT;

    if (is_name(key))
        buf_puts(&out, key);
    else
        put_string(&out, key);
    return buf_take(&out);
}

static bool takes_lines(const json_t *value)
{
    return json_object_size(value) > 0;
}

/* `terraform fmt` puts the equals signs of neighbours that take one line below each other. */
static size_t width_from(json_t *object, void *at)
{
    size_t width = 0;

    for (; at && !takes_lines(json_object_iter_value(at)); at = json_object_iter_next(object, at)) {
        char *key CLEANUP(mem_cleanup) = key_text(json_object_iter_key(at));

        width = strlen(key) > width ? strlen(key) : width;
    }
    return width;
}

static void put_members(struct buf *out, const json_t *members, int depth)
{
    json_t *object = (json_t *)members;
    size_t width = 0;

    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        json_t *value = json_object_iter_value(at);
        char *key CLEANUP(mem_cleanup) = key_text(json_object_iter_key(at));

        if (takes_lines(value))
            width = 0;
        else if (!width)
            width = width_from(object, at);
        buf_printf(out, "%*s%-*s = ", depth * INDENT, "", (int)width, key);
        put_value(out, value, depth);
        buf_putc(out, '\n');
    }
}

static void put_list(struct buf *out, const json_t *list, int depth)
{
    const json_t *item;
    size_t i;

    buf_putc(out, '[');
    json_array_foreach (list, i, item) {
        if (i)
            buf_puts(out, ", ");
        put_value(out, item, depth);
    }
    buf_putc(out, ']');
}

/* A string that begins with VARIABLE is the name of one. */
#define VARIABLE "\x01"

static void put_value(struct buf *out, const json_t *value, int depth)
{
    const char *text = json_string_value(value);

    if (text && text[0] == VARIABLE[0]) {
        buf_puts(out, text + 1);
    } else if (text) {
        put_string(out, text);
    } else if (json_object_size(value)) {
        buf_puts(out, "{\n");
        put_members(out, value, depth + 1);
        buf_printf(out, "%*s}", depth * INDENT, "");
    } else if (json_is_array(value)) {
        put_list(out, value, depth);
    } else {
        char *plain CLEANUP(mem_cleanup) = json_dumps(value, JSON_ENCODE_ANY);

        buf_puts(out, plain);
    }
}

/* "password_hash_ml_example_com" */
static char *variable_name(const char *prefix, const char *text)
{
    char *name = mem_printf("%s%s", prefix, text);

    for (char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c))
            *c = '_';
    }
    return name;
}

static void put_variable(struct buf *out, const char *name, const char *what)
{
    buf_printf(out,
               "variable \"%s\" {\n  description = \"%s\"\n  type        = string\n  sensitive   = "
               "true\n}\n\n",
               name, what);
}

static void refer(json_t *holder, const char *member, const char *name)
{
    json_object_set_new(holder, member, json_sprintf(VARIABLE "var.%s", name));
}

/* Gives the secrets that aren't read variables, and writes those. */
static void put_secrets(struct buf *out, json_t *values)
{
    json_t *oidc = json_object_get(values, "oidc"), *user;
    const char *email;

    json_object_foreach (json_object_get(values, "users"), email, user) {
        char *name CLEANUP(mem_cleanup) = variable_name("password_hash_", email);

        put_variable(out, name, "bcrypt hash of the password, as Dex has it or a new one");
        refer(user, "password_hash", name);
    }
    if (oidc && !json_object_get(oidc, "client_secret_ref")) {
        put_variable(out, "oidc_client_secret", "The client's secret at the identity provider");
        refer(oidc, "client_secret_wo", "oidc_client_secret");
        json_object_set_new(oidc, "client_secret_wo_version", json_integer(1));
    }
}

char *import_hcl(const struct import_found *f)
{
    struct buf out = BUF_INIT;
    json_auto_t *values = json_deep_copy(f->values);
    const char *digest = krm_str(values, "manifests", "digest", NULL);
    const json_t *note;
    size_t i;

    json_array_foreach (f->notes, i, note)
        buf_printf(&out, "# %s\n", json_string_value(note));
    buf_puts(&out, "\nimport {\n  to = kubeflow_platform.this\n  id = ");
    put_string(&out, *digest ? digest : f->release->name);
    buf_puts(&out, "\n}\n\n");
    put_secrets(&out, values);
    buf_puts(&out, "resource \"kubeflow_platform\" \"this\" {\n");
    put_members(&out, values, 1);
    buf_puts(&out, "}\n");
    return buf_take(&out);
}
