#include "lib/kube/status.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/utf8.h"

#include "lib/base/banned.h"

/* How much of an answer that isn't a Status is shown, and how many causes. */
#define MAX_FOREIGN_TEXT 300
#define MAX_CAUSES_SHOWN 8

static const struct {
    int http;
    int code;
    const char *words; /* when the server gave none */
} codes[] = {
    {400, ERR_INVALID, "bad request"},
    {401, ERR_UNAUTHENTICATED, "401 Unauthorized: the cluster refused the credentials"},
    {403, ERR_DENIED, "forbidden"},
    {404, ERR_NOT_FOUND, "not found"},
    {405, ERR_UNSUPPORTED, "the server doesn't allow this request"},
    {406, ERR_UNSUPPORTED, "the server can't answer in the asked form"},
    {408, ERR_RETRY, "request timed out"},
    {409, ERR_CONFLICT, "conflict"},
    {410, ERR_FAIL, "gone"},
    {413, ERR_LIMIT, "request too large"},
    {415, ERR_UNSUPPORTED, "the server doesn't know this kind of request"},
    {422, ERR_INVALID, "invalid"},
    {429, ERR_RETRY, "too many requests"},
    {500, ERR_RETRY, "internal error of the API server"},
    {502, ERR_RETRY, "bad gateway"},
    {503, ERR_RETRY, "service unavailable"},
    {504, ERR_RETRY, "gateway time-out"},
};

static const char *str_member(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

/* The visible start of a text of unknown origin, on one line. */
static char *foreign_text(const char *text, size_t len)
{
    char *clean;
    size_t n = 0;

    if (len > MAX_FOREIGN_TEXT)
        len = MAX_FOREIGN_TEXT;
    clean = utf8_sanitize(text, len);
    for (const char *p = clean; *p; p++) {
        bool space = (unsigned char)*p <= ' ' || *p == 0x7f;

        if (!space)
            clean[n++] = *p;
        else if (n && clean[n - 1] != ' ')
            clean[n++] = ' ';
    }
    while (n && clean[n - 1] == ' ')
        n--;
    clean[n] = '\0';
    return clean;
}

json_t *kube_status_parse(int http, const char *text, size_t len)
{
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    char *shown CLEANUP(mem_cleanup) = NULL;

    if (!strcmp(str_member(body, "kind"), "Status"))
        return body;
    json_decref(body);
    shown = foreign_text(text, len);
    return json_pack("{s:s, s:i, s:s}", "kind", "Status", "code", http, "message", shown);
}

void kube_status_read(int http, const json_t *body, struct kube_status *ret_status)
{
    const json_t *causes = json_object_get(json_object_get(body, "details"), "causes");

    ret_status->http = http;
    ret_status->reason = str_member(body, "reason");
    ret_status->message = str_member(body, "message");
    ret_status->causes = json_is_array(causes) && json_array_size(causes) ? causes : NULL;
}

int kube_status_code(const struct kube_status *s)
{
    if (s->http >= 200 && s->http < 300)
        return 0;
    if (s->http == 409 && !strcmp(s->reason, "AlreadyExists"))
        return ERR_EXISTS;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].http == s->http)
            return codes[i].code;
    return ERR_FAIL;
}

/* `conflict with "kubectl" using apps/v1`, `conflict with "a" with subresource "scale" using ...` */
bool kube_status_cause_manager(const json_t *cause, const char **ret_name, size_t *ret_len)
{
    static const char start[] = "conflict with \"";
    const char *m = str_member(cause, "message"), *end;

    if (strcmp(str_member(cause, "reason"), "FieldManagerConflict") ||
        strncmp(m, start, sizeof(start) - 1))
        return false;
    m += sizeof(start) - 1;
    end = strchr(m, '"');
    if (!end || end == m)
        return false;
    *ret_name = m;
    *ret_len = (size_t)(end - m);
    return true;
}

/* Whether the causes say it better than the message does. */
static bool tells_owners(const struct kube_status *s)
{
    const char *name;
    size_t len;

    return s->http == 409 && s->causes &&
           kube_status_cause_manager(json_array_get(s->causes, 0), &name, &len);
}

static void owner_words(const json_t *causes, struct buf *out)
{
    size_t n = json_array_size(causes), shown = n < MAX_CAUSES_SHOWN ? n : MAX_CAUSES_SHOWN;

    for (size_t i = 0; i < shown; i++) {
        const json_t *cause = json_array_get(causes, i);
        const char *name = NULL;
        size_t len = 0;

        if (i)
            buf_puts(out, "; ");
        if (kube_status_cause_manager(cause, &name, &len))
            buf_printf(out, "field %s is owned by %.*s", str_member(cause, "field"), (int)len,
                       name);
        else
            buf_printf(out, "field %s: %s", str_member(cause, "field"),
                       str_member(cause, "message"));
    }
    if (n > shown)
        buf_printf(out, "; and %zu more", n - shown);
}

void kube_status_words(const struct kube_status *s, struct buf *out)
{
    if (tells_owners(s)) {
        owner_words(s->causes, out);
        return;
    }
    /* "Unauthorized" is all that the server says of a 401. */
    if (*s->message && s->http != 401) {
        buf_puts(out, s->message);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].http == s->http) {
            buf_puts(out, codes[i].words);
            return;
        }
    }
    buf_printf(out, "HTTP status %d", s->http);
}
