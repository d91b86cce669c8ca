#include "lib/kustomize/selector.h"

#include "lib/krm/path.h"
#include "lib/kustomize/shape.h"

#include "lib/base/banned.h"

#define LABEL_MAX_RULES  256
#define LABEL_NAME_BYTES 63

/* --- label expressions -------------------------------------------------------------------------- */

struct scanner {
    const char *s;
    char token[512]; /* a word or an operator */
};

static bool word_char(char c)
{
    return c && !strchr(" \t\n\r=!(),<>", c);
}

/* Reads the next token; "" at the end. ERR_LIMIT for a word that can't be a key or value. */
static int next_token(struct scanner *in, struct err *err)
{
    size_t n = 0;

    in->s += strspn(in->s, " \t\n\r");
    if (word_char(*in->s)) {
        while (word_char(in->s[n]))
            n++;
    } else if (strncmp(in->s, "==", 2) == 0 || strncmp(in->s, "!=", 2) == 0) {
        n = 2;
    } else if (*in->s) {
        n = 1;
    }
    if (n >= sizeof(in->token))
        return err_set(err, ERR_LIMIT, "a word of %zu bytes in a label selector", n);
    memcpy(in->token, in->s, n);
    in->token[n] = 0;
    in->s += n;
    return 0;
}

static bool valid_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool alnum = (s[i] >= '0' && s[i] <= '9') || ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z');

        if (!alnum && (i == 0 || i + 1 == n || !strchr("-_.", s[i])))
            return false;
    }
    return n <= LABEL_NAME_BYTES;
}

static int check_key(const char *key, struct err *err)
{
    const char *slash = strchr(key, '/'), *name = slash ? slash + 1 : key;

    if (!*name || !valid_name(name, strlen(name)) || slash == key)
        return err_set(err, ERR_INVALID, "\"%s\" is not a label's name", key);
    return 0;
}

static int check_value(const char *value, struct err *err)
{
    if (!valid_name(value, strlen(value)))
        return err_set(err, ERR_INVALID, "\"%s\" is not a label's value", value);
    return 0;
}

static void rule_add_value(struct label_rule *rule, const char *value)
{
    rule->values = mem_realloc(rule->values, (rule->nvalues + 1) * sizeof(*rule->values));
    rule->values[rule->nvalues++] = mem_strdup(value);
}

/* "(a, b)"; an empty place is the empty value. */
static int parse_set(struct scanner *in, struct label_rule *rule, struct err *err)
{
    int rc = next_token(in, err);

    if (rc)
        return rc;
    if (strcmp(in->token, "(") != 0)
        return err_set(err, ERR_INVALID, "expected ( before the values of %s", rule->key);
    for (;;) {
        bool word;

        if ((rc = next_token(in, err)))
            return rc;
        word = word_char(*in->token);
        if ((rc = check_value(word ? in->token : "", err)))
            return rc;
        rule_add_value(rule, word ? in->token : "");
        if (word && (rc = next_token(in, err)))
            return rc;
        if (strcmp(in->token, ")") == 0)
            return 0;
        if (strcmp(in->token, ",") != 0)
            return err_set(err, ERR_INVALID, "expected , or ) in the values of %s", rule->key);
    }
}

static bool whole_number(const char *s, long long *ret)
{
    char *end;

    *ret = strtoll(s, &end, 10);
    return *s && !*end;
}

static const struct {
    const char *text;
    enum label_op op;
} operators[] = {
    {"=", LABEL_IN},         {"==", LABEL_IN},     {"!=", LABEL_NOT_IN}, {"in", LABEL_IN},
    {"notin", LABEL_NOT_IN}, {">", LABEL_GREATER}, {"<", LABEL_LESS},
};

static int parse_operand(struct scanner *in, struct label_rule *rule, struct err *err)
{
    const char *rest = in->s + strspn(in->s, " \t\n\r");
    long long n;
    int rc = 0;

    if (word_char(*rest) && (rc = next_token(in, err)))
        return rc;
    if (!word_char(*rest))
        in->token[0] = 0;
    if ((rc = check_value(in->token, err)))
        return rc;
    if ((rule->op == LABEL_GREATER || rule->op == LABEL_LESS) && !whole_number(in->token, &n))
        return err_set(err, ERR_INVALID, "%s must be compared with a whole number", rule->key);
    rule_add_value(rule, in->token);
    return 0;
}

/* One rule; in->token is its first token, and what follows it afterwards. */
static int parse_rule(struct scanner *in, struct label_rule *rule, struct err *err)
{
    bool missing = strcmp(in->token, "!") == 0;
    size_t i;
    int rc;

    if (missing && (rc = next_token(in, err)))
        return rc;
    if ((rc = check_key(in->token, err)))
        return rc;
    rule->key = mem_strdup(in->token);
    rule->op = missing ? LABEL_MISSING : LABEL_EXISTS;
    if ((rc = next_token(in, err)))
        return rc;
    if (!*in->token || strcmp(in->token, ",") == 0)
        return 0;
    for (i = 0; i < ARRAY_LEN(operators); i++)
        if (strcmp(operators[i].text, in->token) == 0)
            break;
    if (missing || i == ARRAY_LEN(operators))
        return err_set(err, ERR_INVALID, "\"%s\" after %s is not understood", in->token, rule->key);
    rule->op = operators[i].op;
    rc = word_char(*in->token) ? parse_set(in, rule, err) : parse_operand(in, rule, err);
    return rc ? rc : next_token(in, err);
}

static int parse_rules(const char *text, struct label_rules *rules, struct err *err)
{
    struct scanner in = {.s = text};
    int rc = next_token(&in, err);

    while (!rc && *in.token) {
        if (rules->len == LABEL_MAX_RULES)
            return err_set(err, ERR_LIMIT, "more than %d rules", LABEL_MAX_RULES);
        vec_push(rules, (struct label_rule){0});
        if ((rc = parse_rule(&in, &rules->at[rules->len - 1], err)))
            return rc;
        if (!*in.token)
            return 0;
        if (strcmp(in.token, ",") != 0)
            return err_set(err, ERR_INVALID, "expected , before \"%s\"", in.token);
        rc = next_token(&in, err);
        if (!rc && !*in.token)
            return err_set(err, ERR_INVALID, "nothing after the last ,");
    }
    return rc;
}

int label_rules_parse(const char *text, struct label_rules *ret_rules, struct err *err)
{
    struct label_rules rules = {0};
    int rc = parse_rules(text, &rules, err);

    if (rc) {
        label_rules_done(&rules);
        return err_wrap(err, "label selector \"%s\"", text);
    }
    *ret_rules = rules;
    return 0;
}

void label_rules_done(struct label_rules *rules)
{
    for (size_t i = 0; i < rules->len; i++) {
        for (size_t j = 0; j < rules->at[i].nvalues; j++)
            free(rules->at[i].values[j]);
        free(rules->at[i].values);
        free(rules->at[i].key);
    }
    vec_done(rules);
}

static bool rule_match(const struct label_rule *rule, const char *value)
{
    long long have, want;
    bool in = false;

    for (size_t i = 0; value && i < rule->nvalues; i++)
        in = in || strcmp(rule->values[i], value) == 0;
    switch (rule->op) {
    case LABEL_EXISTS:
        return value != NULL;
    case LABEL_MISSING:
        return value == NULL;
    case LABEL_IN:
        return in;
    case LABEL_NOT_IN:
        return !in;
    case LABEL_GREATER:
    case LABEL_LESS:
        if (!value || !whole_number(value, &have) || !whole_number(rule->values[0], &want))
            return false;
        return rule->op == LABEL_GREATER ? have > want : have < want;
    }
    return false;
}

bool label_rules_match(const struct label_rules *rules, const json_t *labels)
{
    for (size_t i = 0; i < rules->len; i++) {
        const json_t *label = json_object_get(labels, rules->at[i].key);
        char *text CLEANUP(mem_cleanup) = label ? shape_scalar_text(label) : NULL;

        if (!rule_match(&rules->at[i], label && !text ? "" : text))
            return false;
    }
    return true;
}

/* --- targets ------------------------------------------------------------------------------------ */

static int init_part(struct regex *re, bool *has, const json_t *spec, const char *key,
                     struct err *err)
{
    const char *pattern = krm_str(spec, key, NULL);
    int rc;

    *has = *pattern;
    if (!*has)
        return 0;
    rc = regex_init(re, pattern, true, err);
    return rc ? err_wrap(err, "%s", key) : 0;
}

static int init_all(struct selector *s, const json_t *spec, struct err *err)
{
    int rc;

    if ((rc = init_part(&s->group, &s->has_group, spec, "group", err)) ||
        (rc = init_part(&s->version, &s->has_version, spec, "version", err)) ||
        (rc = init_part(&s->kind, &s->has_kind, spec, "kind", err)) ||
        (rc = init_part(&s->name, &s->has_name, spec, "name", err)) ||
        (rc = init_part(&s->namespace, &s->has_namespace, spec, "namespace", err)) ||
        (rc = label_rules_parse(krm_str(spec, "labelSelector", NULL), &s->labels, err)))
        return rc;
    return label_rules_parse(krm_str(spec, "annotationSelector", NULL), &s->annotations, err);
}

int selector_init(struct selector *s, const json_t *spec, struct err *err)
{
    int rc;

    *s = (struct selector){0};
    rc = init_all(s, spec, err);
    if (rc)
        selector_done(s);
    return rc ? err_wrap(err, "target") : 0;
}

void selector_done(struct selector *s)
{
    regex_done(&s->group);
    regex_done(&s->version);
    regex_done(&s->kind);
    regex_done(&s->name);
    regex_done(&s->namespace);
    label_rules_done(&s->labels);
    label_rules_done(&s->annotations);
}

/* Names and namespaces are tried as they were at first, then as they are. */
bool selector_match(struct context *ctx, const struct selector *s, const struct resource *r)
{
    struct rid id = resource_id(ctx, r), first = resource_original_id(ctx, r);

    if (s->has_namespace && !regex_match(&s->namespace, first.space) &&
        !regex_match(&s->namespace, id.space))
        return false;
    if (s->has_name && !regex_match(&s->name, first.name) && !regex_match(&s->name, id.name))
        return false;
    if ((s->has_group && !regex_match(&s->group, id.group)) ||
        (s->has_version && !regex_match(&s->version, id.version)) ||
        (s->has_kind && !regex_match(&s->kind, id.kind)))
        return false;
    return label_rules_match(&s->labels, krm_get(r->object, "metadata", "labels", NULL)) &&
           label_rules_match(&s->annotations, krm_get(r->object, "metadata", "annotations", NULL));
}
