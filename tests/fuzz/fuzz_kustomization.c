/* Any bytes as a kustomization over a few fixed files: it renders or is refused, twice alike.
 *
 * What stands behind a line "=== NAME" is a file beside it, so that inputs bring patches and
 * configurations of their own. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/krm/path.h"
#include "lib/kustomize/kustomize.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

#define MARK "\n=== "

static const struct {
    const char *path, *text;
} files[] = {
    {"base/kustomization.yaml", "namePrefix: base-\n"
                                "resources: [objects.yaml]\n"
                                "configMapGenerator:\n"
                                "- name: settings\n"
                                "  literals: [a=1, b=2]\n"},
    {"base/objects.yaml", "apiVersion: apps/v1\n"
                          "kind: Deployment\n"
                          "metadata: {name: api, labels: {app: api}}\n"
                          "spec:\n"
                          "  template:\n"
                          "    spec:\n"
                          "      containers:\n"
                          "      - name: api\n"
                          "        image: example.com/api:1\n"
                          "        args: [$(V), text]\n"
                          "        envFrom: [{configMapRef: {name: settings}}]\n"
                          "---\n"
                          "apiVersion: v1\n"
                          "kind: Service\n"
                          "metadata: {name: api, annotations: {note: $(V)}}\n"
                          "spec: {ports: [{name: web, port: 80}], selector: {app: api}}\n"},
    {"component/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
                                     "kind: Component\n"
                                     "namespace: team\n"},
    {"values.env", "A=1\nB\n# none\n"},
};

static void add_input(struct loader *l, const char *text)
{
    const char *name = "kustomization.yaml";
    char *owned = NULL;

    for (;;) {
        const char *end = strstr(text, MARK), *line;

        (void)!loader_add(l, name, text, end ? (size_t)(end - text) + 1 : strlen(text), NULL);
        free(owned);
        if (!end)
            return;
        line = end + strlen(MARK);
        owned = mem_strndup(line, strcspn(line, "\n"));
        name = owned;
        text = line + strlen(owned) + (line[strlen(owned)] == '\n');
    }
}

static int render(struct loader *l, json_t **ret_objects)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct kustomize_options options = {.loader = l, .path = ""};
    int rc = kustomize_build(&options, ret_objects, &err);

    if (rc && !*err_msg(&err))
        bug("refused without a reason: %d", rc);
    return rc;
}

static void check_objects(const json_t *objects)
{
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object)
        if (!json_is_object(object) || !json_is_object(json_object_get(object, "metadata")))
            bug("object %zu is none", i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP(mem_cleanup) = mem_strndup((const char *)data, size);
    struct loader *l CLEANUP(loader_cleanup) = loader_new_memory();
    json_auto_t *first = NULL, *second = NULL;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        (void)!loader_add(l, files[i].path, files[i].text, strlen(files[i].text), NULL);
    add_input(l, text);
    rc = render(l, &first);
    if (rc != render(l, &second) || (!rc && !json_equal(first, second)))
        bug("renders differently the second time");
    if (!rc)
        check_objects(first);
    return 0;
}
