/* A request becomes a libcurl easy handle, and a redirect the next one. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/http_call.h"
#include "lib/base/mem.h"

#include "lib/base/banned.h"

/* A connection whose peer has vanished without a word is given up after this long: unacknowledged
 * data by TCP_USER_TIMEOUT, silence by keep-alive probes. */
#define DEAD_PEER_MS      30000
#define KEEPALIVE_IDLE_S  15L
#define KEEPALIVE_PROBE_S 5L
#define RECEIVE_BUFFER    (512L << 10)
#define IDLE_CONNECTION_S 300L

struct url_parts {
    char *scheme, *host, *port;
};

static void url_parts_done(struct url_parts *u)
{
    curl_free(u->scheme);
    curl_free(u->host);
    curl_free(u->port);
}

static void url_cleanup(CURLU **u)
{
    curl_url_cleanup(*u);
}

static int url_split(const char *url, struct url_parts *out)
{
    CURLU *u CLEANUP(url_cleanup) = curl_url();

    memset(out, 0, sizeof(*out));
    if (!u)
        bug("out of memory");
    if (curl_url_set(u, CURLUPART_URL, url, 0) ||
        curl_url_get(u, CURLUPART_SCHEME, &out->scheme, 0) ||
        curl_url_get(u, CURLUPART_HOST, &out->host, 0) ||
        curl_url_get(u, CURLUPART_PORT, &out->port, CURLU_DEFAULT_PORT) ||
        (strcasecmp(out->scheme, "http") && strcasecmp(out->scheme, "https"))) {
        url_parts_done(out);
        memset(out, 0, sizeof(*out));
        return ERR_INVALID;
    }
    return 0;
}

/* The URL with another host; heap, or NULL. */
static char *url_with_host(const char *url, const char *host)
{
    CURLU *u CLEANUP(url_cleanup) = curl_url();
    char *text = NULL, *copy;

    if (!u || curl_url_set(u, CURLUPART_URL, url, 0) || curl_url_set(u, CURLUPART_HOST, host, 0) ||
        curl_url_get(u, CURLUPART_URL, &text, 0))
        return NULL;
    copy = mem_strdup(text);
    curl_free(text);
    return copy;
}

static void add_header(struct http_call *c, const char *line)
{
    struct curl_slist *list = curl_slist_append(c->headers, line);

    if (!list)
        bug("out of memory");
    c->headers = list;
}

static bool has_header(const struct http_call *c, const char *name)
{
    size_t n = strlen(name);

    for (const struct curl_slist *l = c->headers; l; l = l->next)
        if (!strncasecmp(l->data, name, n) && l->data[n] == ':')
            return true;
    return false;
}

static void set_blob(CURL *e, CURLoption option, const char *pem)
{
    struct curl_blob blob = {
        .data = (void *)(uintptr_t)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};

    curl_easy_setopt(e, option, &blob);
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *addr)
{
    /* Children (credential plugins) must not inherit connections. */
    int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
    unsigned int dead = DEAD_PEER_MS;

    (void)user;
    (void)purpose;
    if (fd >= 0 && (addr->family == AF_INET || addr->family == AF_INET6))
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
    return fd;
}

static void set_transport(CURL *e, const struct http_request *req)
{
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* A name server that doesn't answer must not hold up the end of a call. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS);
    if (req->timeout_ms > 0)
        curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_PROBE_S);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                     (long)(req->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    /* Without TLS there is no HTTP/2 to wait for. */
    curl_easy_setopt(e, CURLOPT_PIPEWAIT,
                     req->http2 && !strncasecmp(req->url, "https:", 6) ? 1L : 0L);
    if (req->compressed)
        curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static void set_trust(CURL *e, const struct http_tls *tls, const char *ca_file, const char *ca_dir)
{
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file) {
        curl_easy_setopt(e, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, ca_file);
    }
    if (ca_dir) {
        curl_easy_setopt(e, CURLOPT_CAPATH, ca_dir);
        curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, ca_dir);
    }
    if (!tls)
        return;
    if (tls->ca_pem) {
        curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
        set_blob(e, CURLOPT_CAINFO_BLOB, tls->ca_pem);
    }
    if (tls->cert_pem)
        set_blob(e, CURLOPT_SSLCERT_BLOB, tls->cert_pem);
    if (tls->key_pem)
        set_blob(e, CURLOPT_SSLKEY_BLOB, tls->key_pem);
    if (tls->insecure) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* libcurl verifies, and sends as SNI, the URL's host. So the expected name becomes the URL's host,
 * the connection is led to the real one, and the Host header (HTTP/2: :authority) stays. */
static int set_server_name(struct http_call *c, const char *url, const char *name,
                           const struct url_parts *parts)
{
    char *to CLEANUP(mem_cleanup) = mem_printf("::%s:%s", parts->host, parts->port);
    char *host CLEANUP(mem_cleanup) = NULL;

    c->url = url_with_host(url, name);
    if (!c->url)
        return http_fail(c, HTTP_FAIL_REQUEST, "server name \"%s\" isn't a host name", name);
    c->connect_to = curl_slist_append(NULL, to);
    if (!c->connect_to)
        bug("out of memory");
    curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, c->connect_to);
    if (!has_header(c, "Host")) {
        host = strcmp(parts->port, "443") ? mem_printf("Host: %s:%s", parts->host, parts->port)
                                          : mem_printf("Host: %s", parts->host);
        add_header(c, host);
    }
    return 0;
}

static void set_method(struct http_call *c, const struct http_request *req)
{
    CURL *e = c->easy;
    const char *m = req->method;

    if (req->body || !strcmp(m, "POST") || !strcmp(m, "PUT") || !strcmp(m, "PATCH")) {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, req->body ? req->body : "");
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, m);
        /* Neither a guess at the type nor a round trip before the body. */
        if (!has_header(c, "Content-Type"))
            add_header(c, "Content-Type:");
        add_header(c, "Expect:");
    } else if (!strcmp(m, "HEAD")) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        if (strcmp(m, "GET"))
            curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, m);
    }
}

static void set_proxy(CURL *e, const char *proxy)
{
    static const char socks5[] = "socks5://";
    char *url CLEANUP(mem_cleanup) = NULL;

    /* In Go's reading, and so in kubeconfig's, the socks5 proxy looks the name up. */
    if (!strncasecmp(proxy, socks5, sizeof(socks5) - 1))
        url = mem_printf("socks5h://%s", proxy + sizeof(socks5) - 1);
    curl_easy_setopt(e, CURLOPT_PROXY, url ? url : proxy);
    curl_easy_setopt(e, CURLOPT_NOPROXY, "");
}

static void set_proxy_from_env(CURL *e, const struct url_parts *parts)
{
    char *proxy CLEANUP(mem_cleanup) =
        http_proxy_from_env(parts->scheme, parts->host, parts->port, getenv);

    set_proxy(e, proxy ? proxy : "");
}

static void take_headers(struct http_call *c, const char *const *headers)
{
    for (size_t i = 0; headers && headers[i]; i++)
        add_header(c, headers[i]);
}

int http_setup(struct http_call *c, const struct http_request *req, const char *ca_file,
               const char *ca_dir)
{
    struct url_parts parts CLEANUP(url_parts_done) = {0};
    const struct http_tls *tls = req->tls;
    CURL *e;
    int rc;

    c->stream = req->stream;
    c->idle_timeout_ms = req->idle_timeout_ms;
    c->redirects_left =
        req->max_redirects > HTTP_MAX_REDIRECTS ? HTTP_MAX_REDIRECTS : req->max_redirects;
    c->follows =
        req->max_redirects > 0 && (!strcmp(req->method, "GET") || !strcmp(req->method, "HEAD"));
    c->proxy_from_env = !req->proxy;
    if (url_split(req->url, &parts))
        return http_fail(c, HTTP_FAIL_REQUEST, "\"%s\" isn't an http or https URL", req->url);
    c->origin = mem_printf("%s:%s", parts.host, parts.port);
    c->easy = e = curl_easy_init();
    if (!e)
        bug("out of memory");
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->curl_error);
    take_headers(c, req->headers);
    set_transport(e, req);
    set_trust(e, tls, ca_file, ca_dir);
    set_method(c, req);
    if (req->proxy)
        set_proxy(e, req->proxy);
    else
        set_proxy_from_env(e, &parts);
    if (tls && tls->server_name && *tls->server_name && !strcasecmp(parts.scheme, "https")) {
        rc = set_server_name(c, req->url, tls->server_name, &parts);
        if (rc)
            return rc;
    } else {
        c->url = mem_strdup(req->url);
    }
    curl_easy_setopt(e, CURLOPT_URL, c->url);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    return 0;
}

/* --- redirects ----------------------------------------------------------------------------------
 */

/* Headers that say nothing about who is asking. */
static bool is_anonymous(const char *header)
{
    static const char *const names[] = {"Accept:", "User-Agent:"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strncasecmp(header, names[i], strlen(names[i])))
            return true;
    return false;
}

static void become_anonymous(struct http_call *c)
{
    struct curl_slist *old = c->headers;

    c->headers = NULL;
    for (const struct curl_slist *l = old; l; l = l->next)
        if (is_anonymous(l->data))
            add_header(c, l->data);
    curl_slist_free_all(old);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->easy, CURLOPT_SSLCERT_BLOB, NULL);
    curl_easy_setopt(c->easy, CURLOPT_SSLKEY_BLOB, NULL);
    curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, NULL);
}

int http_setup_redirect(struct http_call *c)
{
    struct url_parts from CLEANUP(url_parts_done) = {0}, to CLEANUP(url_parts_done) = {0};
    char *location = NULL, *origin;
    long status = 0;

    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &location);
    if (!location || status < 301 || status > 308 || status == 304)
        return 1;
    if (c->redirects_left-- <= 0)
        return http_fail(c, HTTP_FAIL_LIMIT, "%s: too many redirects", c->origin);
    if (url_split(c->url, &from) || url_split(location, &to))
        return http_fail(c, HTTP_FAIL_REQUEST, "%s redirects to what isn't an http or https URL",
                         c->origin);
    if (!strcasecmp(from.scheme, "https") && strcasecmp(to.scheme, "https"))
        return http_fail(c, HTTP_FAIL_REQUEST, "%s redirects from https to http (%s)", c->origin,
                         to.host);
    origin = mem_printf("%s:%s", to.host, to.port);
    if (strcasecmp(from.host, to.host) || strcmp(from.port, to.port) ||
        strcasecmp(from.scheme, to.scheme))
        become_anonymous(c);
    free(c->origin);
    c->origin = origin;
    free(c->url);
    c->url = mem_strdup(location);
    curl_easy_setopt(c->easy, CURLOPT_URL, c->url);
    if (c->proxy_from_env)
        set_proxy_from_env(c->easy, &to);
    http_call_restart(c);
    return 0;
}
