#include "lib/kube/kubeconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/krm/yaml.h"
#include "lib/kube/file.h"

#include "lib/base/banned.h"

/* --- members and their types --------------------------------------------------------------------- */

enum type { TYPE_STRING, TYPE_PATH, TYPE_BOOL, TYPE_STRINGS, TYPE_LISTS, TYPE_OBJECT };

struct member {
    const char *name;
    enum type type;
};

/* clang-format off */
static const struct member cluster_members[] = {
    {"server", TYPE_STRING}, {"tls-server-name", TYPE_STRING}, {"proxy-url", TYPE_STRING},
    {"certificate-authority", TYPE_PATH}, {"certificate-authority-data", TYPE_STRING},
    {"insecure-skip-tls-verify", TYPE_BOOL}, {"disable-compression", TYPE_BOOL}, {NULL, 0},
};

static const struct member user_members[] = {
    {"client-certificate", TYPE_PATH}, {"client-certificate-data", TYPE_STRING},
    {"client-key", TYPE_PATH}, {"client-key-data", TYPE_STRING},
    {"token", TYPE_STRING}, {"tokenFile", TYPE_PATH},
    {"username", TYPE_STRING}, {"password", TYPE_STRING},
    {"as", TYPE_STRING}, {"as-uid", TYPE_STRING}, {"as-groups", TYPE_STRINGS},
    {"as-user-extra", TYPE_LISTS}, {"auth-provider", TYPE_OBJECT}, {"exec", TYPE_OBJECT}, {NULL, 0},
};

static const struct member context_members[] = {
    {"cluster", TYPE_STRING}, {"user", TYPE_STRING}, {NULL, 0},
};

static const struct member exec_members[] = {
    {"apiVersion", TYPE_STRING}, {"command", TYPE_STRING}, {"args", TYPE_STRINGS},
    {"installHint", TYPE_STRING}, {"interactiveMode", TYPE_STRING},
    {"provideClusterInfo", TYPE_BOOL}, {NULL, 0},
};
/* clang-format on */

static const struct part {
    const char *list, *entry; /* "clusters: [{name, cluster}]" */
    const struct member *members;
} parts[] = {
    [KUBECONFIG_CLUSTER] = {"clusters", "cluster", cluster_members},
    [KUBECONFIG_USER] = {"users", "user", user_members},
    [KUBECONFIG_CONTEXT] = {"contexts", "context", context_members},
};

static bool is_strings(const json_t *v)
{
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_string(json_array_get(v, i)))
            return false;
    return json_is_array(v);
}

static bool is_lists(json_t *v)
{
    const char *key;
    json_t *list;

    json_object_foreach (v, key, list)
        if (!is_strings(list))
            return false;
    return json_is_object(v);
}

static bool has_type(json_t *v, enum type type)
{
    switch (type) {
    case TYPE_BOOL:
        return json_is_boolean(v);
    case TYPE_STRINGS:
        return is_strings(v);
    case TYPE_LISTS:
        return is_lists(v);
    case TYPE_OBJECT:
        return json_is_object(v);
    default:
        return json_is_string(v);
    }
}

static const char *const type_names[] = {
    [TYPE_STRING] = "a string",
    [TYPE_PATH] = "a string",
    [TYPE_BOOL] = "true or false",
    [TYPE_STRINGS] = "a list of strings",
    [TYPE_LISTS] = "a map of string lists",
    [TYPE_OBJECT] = "a map",
};

/* A missing or null member is fine; a member of another type is told by its place. */
static int check_members(json_t *object, const struct member *m, const char *where, const char *dir,
                         struct err *err)
{
    for (; m->name; m++) {
        json_t *v = json_object_get(object, m->name);
        const char *path = json_string_value(v);

        if (!v)
            continue;
        if (json_is_null(v)) {
            json_object_del(object, m->name);
            continue;
        }
        if (!has_type(v, m->type))
            return err_set(err, ERR_INVALID, "%s.%s must be %s", where, m->name,
                           type_names[m->type]);
        if (m->type == TYPE_PATH && *path && *path != '/') {
            char *absolute CLEANUP(mem_cleanup) = mem_printf("%s/%s", dir, path);

            json_object_set_new(object, m->name, json_string(absolute));
        }
    }
    return 0;
}

static int check_exec(json_t *exec, const char *where, const char *dir, struct err *err)
{
    char *here CLEANUP(mem_cleanup) = mem_printf("%s.exec", where);
    const char *command;
    json_t *env, *e;
    size_t i;
    int rc = check_members(exec, exec_members, here, dir, err);

    if (rc)
        return rc;
    /* A name without a slash is looked up in PATH. */
    command = kubeconfig_str(exec, "command");
    if (*command != '/' && strchr(command, '/')) {
        char *absolute CLEANUP(mem_cleanup) = mem_printf("%s/%s", dir, command);

        json_object_set_new(exec, "command", json_string(absolute));
    }
    env = json_object_get(exec, "env");
    if (env && !json_is_array(env) && !json_is_null(env))
        return err_set(err, ERR_INVALID, "%s.env must be a list of name and value", here);
    json_array_foreach (env, i, e)
        if (!*kubeconfig_str(e, "name") || !json_is_string(json_object_get(e, "value")))
            return err_set(err, ERR_INVALID, "%s.env[%zu] must have a name and a value", here, i);
    return 0;
}

/* --- one file ----------------------------------------------------------------------------------- */

static int take_entry(json_t *item, size_t i, const struct part *part, const char *dir, json_t *map,
                      struct err *err)
{
    char *where CLEANUP(mem_cleanup) = NULL;
    const char *name = kubeconfig_str(item, "name");
    json_t *entry = json_object_get(item, part->entry), *exec;
    int rc;

    if (!*name)
        return err_set(err, ERR_INVALID, "%s[%zu] has no name", part->list, i);
    if (json_object_get(map, name))
        return err_set(err, ERR_INVALID, "%s: two are named \"%s\"", part->list, name);
    where = mem_printf("%s[\"%s\"]", part->list, name);
    if (!entry || json_is_null(entry)) {
        json_object_set_new(map, name, json_object());
        return 0;
    }
    if (!json_is_object(entry))
        return err_set(err, ERR_INVALID, "%s.%s must be a map", where, part->entry);
    rc = check_members(entry, part->members, where, dir, err);
    exec = json_object_get(entry, "exec");
    if (!rc && exec && part == &parts[KUBECONFIG_USER])
        rc = check_exec(exec, where, dir, err);
    if (!rc)
        json_object_set(map, name, entry);
    return rc;
}

static int take_part(const json_t *root, const struct part *part, const char *dir, json_t *out,
                     struct err *err)
{
    json_t *list = json_object_get(root, part->list), *map = json_object(), *item;
    size_t i;
    int rc = 0;

    json_object_set_new(out, part->list, map);
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return err_set(err, ERR_INVALID, "%s must be a list", part->list);
    json_array_foreach (list, i, item) {
        rc = take_entry(item, i, part, dir, map, err);
        if (rc)
            break;
    }
    return rc;
}

static int take_root(const json_t *root, const char *dir, json_t *out, struct err *err)
{
    const char *kind = kubeconfig_str(root, "kind");
    const char *version = kubeconfig_str(root, "apiVersion");
    json_t *current = json_object_get(root, "current-context");
    int rc = 0;

    if (!json_is_object(root) && !json_is_null(root))
        return err_set(err, ERR_INVALID, "not a kubeconfig");
    if ((*kind && strcmp(kind, "Config")) || (*version && strcmp(version, "v1")))
        return err_set(err, ERR_INVALID, "not a kubeconfig: it says apiVersion \"%s\", kind \"%s\"",
                       version, kind);
    if (current && !json_is_string(current) && !json_is_null(current))
        return err_set(err, ERR_INVALID, "current-context must be a string");
    json_object_set_new(out, "current-context",
                        json_string(kubeconfig_str(root, "current-context")));
    for (size_t i = 0; !rc && i < ARRAY_LEN(parts); i++)
        rc = take_part(root, &parts[i], dir, out, err);
    return rc;
}

int kubeconfig_parse(const char *text, size_t len, const char *name, const char *dir, json_t **ret,
                     struct err *err)
{
    json_t *root = NULL, *out;
    int rc = yaml_parse(text, len, name, &root, err);

    if (rc)
        return rc;
    out = json_object();
    rc = take_root(root, dir, out, err);
    json_decref(root);
    if (rc) {
        json_decref(out);
        return err_wrap(err, "%s", name);
    }
    *ret = out;
    return 0;
}

/* --- several files ------------------------------------------------------------------------------ */

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *cwd, *dir;

    if (slash && *path == '/')
        return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    cwd = getcwd(NULL, 0);
    dir = slash ? mem_printf("%s/%.*s", cwd ? cwd : ".", (int)(slash - path), path)
                : mem_strdup(cwd ? cwd : ".");
    free(cwd);
    return dir;
}

static char *expand_home(const char *path, const char *home)
{
    if (path[0] == '~' && (!path[1] || path[1] == '/') && home && *home)
        return mem_printf("%s%s", home, path + 1);
    return mem_strdup(path);
}

static void merge(json_t *into, json_t *from)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        json_object_update_missing(json_object_get(into, parts[i].list),
                                   json_object_get(from, parts[i].list));
    if (!*kubeconfig_str(into, "current-context"))
        json_object_set(into, "current-context", json_object_get(from, "current-context"));
}

static int load_one(const char *path, json_t **ret, struct err *err)
{
    char *dir CLEANUP(mem_cleanup) = directory_of(path);
    char *text = NULL;
    size_t len = 0;
    int rc = kube_read_file(path, KUBECONFIG_MAX_BYTES, &text, &len, err);

    if (rc)
        return rc;
    rc = kubeconfig_parse(text, len, path, dir, ret, err);
    mem_wipe(text, len);
    free(text);
    return rc;
}

int kubeconfig_load(const char *const *paths, const char *home, json_t **ret, struct err *err)
{
    json_t *merged = json_pack("{s:s, s:{}, s:{}, s:{}}", "current-context", "", "clusters",
                               "users", "contexts");
    bool list = paths[0] && paths[1];
    int rc = 0;

    for (size_t i = 0; !rc && paths[i]; i++) {
        char *path CLEANUP(mem_cleanup) = expand_home(paths[i], home);
        json_t *one = NULL;

        if (i == KUBECONFIG_MAX_FILES) {
            rc = err_set(err, ERR_LIMIT, "more than %d kubeconfig files", KUBECONFIG_MAX_FILES);
            break;
        }
        if (!*path)
            continue;
        rc = load_one(path, &one, err);
        if (rc == ERR_NOT_FOUND && list)
            rc = 0;
        if (one)
            merge(merged, one);
        json_decref(one);
    }
    if (rc) {
        json_decref(merged);
        return rc;
    }
    *ret = merged;
    return 0;
}

json_t *kubeconfig_entry(const json_t *config, enum kubeconfig_part part, const char *name)
{
    return json_object_get(json_object_get(config, parts[part].list), name);
}

const char *kubeconfig_str(const json_t *entry, const char *name)
{
    const char *s = json_string_value(json_object_get(entry, name));

    return s ? s : "";
}
