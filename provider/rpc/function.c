#include "provider/rpc/handler.h"

#include <string.h>

#include "lib/base/banned.h"

#define NO_ARGUMENT (-1)

static Tfplugin6__FunctionError *failure(struct rpc *rpc, int64_t argument, const struct err *err)
{
    Tfplugin6__FunctionError *e = RPC_NEW(rpc, tfplugin6__function_error);
    char *text = arena_strdup(rpc->arena, err_msg(err));

    e->text = convert_text(rpc->arena, text);
    if (argument >= 0) {
        e->_function_argument_case =
            TFPLUGIN6__FUNCTION_ERROR___FUNCTION_ARGUMENT_FUNCTION_ARGUMENT;
        e->function_argument = argument;
    }
    return e;
}

static const struct tf_function *find_function(const struct tf_provider *p, const char *name)
{
    const struct tf_function *const *f = p->functions;

    for (; f && *f; f++)
        if (!strcmp((*f)->name, name))
            return *f;
    return NULL;
}

/* The variadic parameter takes all arguments after the last fixed one. */
static const struct tf_parameter *parameter_at(const struct tf_function *f, size_t i)
{
    size_t n = 0;

    while (f->parameters && f->parameters[n].name)
        n++;
    return i < n ? &f->parameters[i] : f->variadic;
}

static bool enough_arguments(const struct tf_function *f, size_t n)
{
    const struct tf_parameter *next = parameter_at(f, n);

    return !next || next == f->variadic;
}

static int decode_arguments(struct rpc *rpc, const struct tf_function *f,
                            const Tfplugin6__CallFunction__Request *req,
                            const struct tf_value **args, int64_t *ret_argument, struct err *err)
{
    *ret_argument = NO_ARGUMENT;
    if (!enough_arguments(f, req->n_arguments))
        return err_set(err, ERR_INVALID, "too few arguments");
    for (size_t i = 0; i < req->n_arguments; i++) {
        const struct tf_parameter *p = parameter_at(f, i);

        if (!p)
            return err_set(err, ERR_INVALID, "too many arguments");
        *ret_argument = (int64_t)i;
        if (convert_dynamic(rpc->arena, req->arguments[i], p->type, &args[i], err))
            return ERR_INVALID;
        if (tf_is_null(args[i]) && !p->allow_null)
            return err_set(err, ERR_INVALID, "must not be null");
    }
    *ret_argument = NO_ARGUMENT;
    return 0;
}

static const struct tf_value *call_function(struct rpc *rpc, const struct tf_function *f,
                                            const Tfplugin6__CallFunction__Request *req,
                                            int64_t *ret_argument, struct err *err)
{
    const struct tf_value **args = arena_calloc(rpc->arena, req->n_arguments, sizeof(*args));
    const struct tf_value *result;

    if (decode_arguments(rpc, f, req, args, ret_argument, err))
        return NULL;
    rpc->context.session = NULL; /* pure: the same with any configuration, and without */
    result = f->call(&rpc->context, args, req->n_arguments, ret_argument, err);
    if (result && !tf_wholly_known(result)) {
        err_set(err, ERR_FAIL, "the result isn't wholly known; this is a bug of the provider");
        return NULL;
    }
    if (!result && !err->code)
        err_set(err, ERR_FAIL, "no result; this is a bug of the provider");
    return result;
}

const ProtobufCMessage *rpc_call_function(struct rpc *rpc, const ProtobufCMessage *request)
{
    const Tfplugin6__CallFunction__Request *req = (const void *)request;
    Tfplugin6__CallFunction__Response *resp = RPC_NEW(rpc, tfplugin6__call_function__response);
    struct err err CLEANUP(err_done) = ERR_INIT;
    const struct tf_function *f = find_function(rpc->provider, req->name);
    const struct tf_value *result = NULL;
    int64_t argument = NO_ARGUMENT;

    if (f)
        result = call_function(rpc, f, req, &argument, &err);
    else
        err_set(&err, ERR_NOT_FOUND, "the provider has no function \"%s\"", req->name);
    if (result)
        resp->result = convert_value(rpc->arena, result, f->result);
    else
        resp->error = failure(rpc, argument, &err);
    return &resp->base;
}
