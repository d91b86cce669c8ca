/* Any bytes as what a credential plugin prints: a token, or a whole certificate pair, or an error. */
#include "lib/base/mem.h"
#include "lib/kube/exec_credential.h"
#include "tests/fuzz/fuzz.h"

#include "lib/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err CLEANUP(err_done) = ERR_INIT;
    struct exec_credential c = {0};

    if (exec_credential_parse((const char *)data, size, "client.authentication.k8s.io/v1", &c,
                              &err)) {
        if (err.code != ERR_UNAUTHENTICATED || c.token || c.cert_pem || c.key_pem)
            bug("refused, and yet something is there");
        return 0;
    }
    if ((!c.token && !c.cert_pem) || !c.cert_pem != !c.key_pem)
        bug("accepted half a credential");
    exec_credential_done(&c);
    return 0;
}
