/* Any bytes as the body of a failed answer. The first byte chooses the HTTP status; the text for the
 * user is never empty and always UTF-8, and every answer has a class. */
#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/kube/retry.h"
#include "lib/kube/status.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

static const int statuses[] = {400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 502, 503, 504};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kube_retry_traits traits = {KUBE_APPLY, true, true};
    struct buf words CLEANUP(buf_done) = BUF_INIT;
    struct kube_status status;
    json_auto_t *body = NULL;
    enum kube_retry_class class;
    int http;

    if (!size)
        return 0;
    http = statuses[data[0] % ARRAY_LEN(statuses)];
    body = kube_status_parse(http, (const char *)data + 1, size - 1);
    kube_status_read(http, body, &status);
    if (kube_status_code(&status) >= 0)
        bug("a failure without a code");
    kube_status_words(&status, &words);
    if (!words.len || !utf8_valid(words.data, words.len))
        bug("words that can't be shown");
    class = kube_retry_classify(&traits, HTTP_FAIL_NONE, &status, json_object_get(body, "details"));
    if (class > KUBE_RETRY_RACE || kube_retry_limit_ms(class, 0, 0) < 0)
        bug("no class");
    return 0;
}
