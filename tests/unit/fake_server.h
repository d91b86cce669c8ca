/* A small HTTP/1.1 server for tests, in the test's own process: plain or TLS, with certificates
 * made on the spot. The test's handler runs in the connection's thread and writes what it likes,
 * so any misbehaviour can be scripted. Header-only because each test is one program. */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define FAKE_MAX_HEAD  ((size_t)64 << 10)
#define FAKE_MAX_CONNS 256

struct fake_server;

struct fake_conn {
    struct fake_server *server;
    int fd, number; /* number: 1 for the server's first connection */
    SSL *ssl;
    bool closed;
    pthread_t thread;
};

struct fake_request {
    char method[16], path[4096];
    char *head; /* the raw request head */
    char *body;
    size_t body_len;
    int number;      /* 1 for the server's first request */
    int conn_number; /* of its connection */
};

typedef void fake_handler(struct fake_conn *c, const struct fake_request *req, void *user);

struct fake_server {
    int fd, port;
    SSL_CTX *tls;
    fake_handler *handler;
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stop;
    int requests, nconns;
    struct fake_conn *conns[FAKE_MAX_CONNS];
    char url[64];
};

/* --- certificates -------------------------------------------------------------------------------
 */

struct fake_cert {
    X509 *cert;
    EVP_PKEY *key;
    char *cert_pem, *key_pem;
};

struct fake_cert_options {
    const char *name;               /* CN */
    const char *alt_names;          /* "DNS:localhost,IP:127.0.0.1"; NULL = none */
    long from_s, until_s;           /* seconds from now; 0, 0 = an hour each way */
    const struct fake_cert *issuer; /* NULL = self-signed CA */
};

static inline char *fake_bio_text(BIO *b)
{
    char *p;
    long n = BIO_get_mem_data(b, &p);
    char *text = mem_strndup(p, (size_t)n);

    BIO_free(b);
    return text;
}

static inline void fake_add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!e)
        bug("extension %s", value);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static inline struct fake_cert fake_cert_new(const struct fake_cert_options *o)
{
    static int serial = 1;
    struct fake_cert c = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    const struct fake_cert *issuer = o->issuer ? o->issuer : &c;
    X509_NAME *name = X509_get_subject_name(c.cert);
    bool hour = !o->from_s && !o->until_s;
    BIO *b;

    X509_set_version(c.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.cert), hour ? -3600 : o->from_s);
    X509_gmtime_adj(X509_getm_notAfter(c.cert), hour ? 3600 : o->until_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)o->name, -1, -1, 0);
    X509_set_issuer_name(c.cert, X509_get_subject_name(issuer->cert));
    X509_set_pubkey(c.cert, c.key);
    fake_add_extension(c.cert, issuer->cert, NID_basic_constraints,
                       o->issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (o->alt_names)
        fake_add_extension(c.cert, issuer->cert, NID_subject_alt_name, o->alt_names);
    X509_sign(c.cert, issuer->key, EVP_sha256());
    b = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(b, c.cert);
    c.cert_pem = fake_bio_text(b);
    b = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(b, c.key, NULL, NULL, 0, NULL, NULL);
    c.key_pem = fake_bio_text(b);
    return c;
}

static inline void fake_cert_done(struct fake_cert *c)
{
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
    free(c->cert_pem);
    free(c->key_pem);
}

/* --- a connection -------------------------------------------------------------------------------
 */

static inline int fake_read(struct fake_conn *c, void *data, size_t len)
{
    return c->ssl ? SSL_read(c->ssl, data, (int)len) : (int)recv(c->fd, data, len, 0);
}

/* Raw bytes; what can't be written closes the connection. */
static inline void fake_send(struct fake_conn *c, const char *data, size_t len)
{
    while (len && !c->closed) {
        int n =
            c->ssl ? SSL_write(c->ssl, data, (int)len) : (int)send(c->fd, data, len, MSG_NOSIGNAL);

        if (n <= 0) {
            c->closed = true;
            break;
        }
        data += n;
        len -= (size_t)n;
    }
}

static inline PRINTF_FMT(2, 3) void fake_sendf(struct fake_conn *c, const char *fmt, ...)
{
    char *text CLEANUP(mem_cleanup) = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = mem_vprintf(fmt, ap);
    va_end(ap);
    fake_send(c, text, strlen(text));
}

/* A whole answer. headers: "" or "Name: value\r\n" lines. */
static inline void fake_reply(struct fake_conn *c, int status, const char *headers,
                              const char *body)
{
    fake_sendf(c, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers, strlen(body),
               body);
}

/* Chunked answers: a start, any number of chunks, "" ends it. */
static inline void fake_start_chunks(struct fake_conn *c, int status, const char *headers)
{
    fake_sendf(c, "HTTP/1.1 %d X\r\n%sTransfer-Encoding: chunked\r\n\r\n", status, headers);
}

static inline void fake_chunk(struct fake_conn *c, const char *text)
{
    fake_sendf(c, "%zx\r\n%s\r\n", strlen(text), text);
}

/* Ends the connection after (or without) an answer. */
static inline void fake_hang_up(struct fake_conn *c)
{
    c->closed = true;
}

/* Sleeps, less when the server stops. */
static inline void fake_sleep(struct fake_conn *c, int64_t ms)
{
    int64_t deadline = clock_deadline(ms);

    while (clock_left_ms(deadline) > 0 && !__atomic_load_n(&c->server->stop, __ATOMIC_ACQUIRE))
        usleep(1000);
}

/* The value of a request's header as a heap string, or NULL. */
static inline char *fake_header(const struct fake_request *req, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = strstr(req->head, "\r\n"); p && p[2]; p = strstr(p + 2, "\r\n")) {
        const char *line = p + 2, *end = strstr(line, "\r\n");

        if (end && !strncasecmp(line, name, n) && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " ");
            return mem_strndup(line, (size_t)(end - line));
        }
    }
    return NULL;
}

static inline bool fake_header_is(const struct fake_request *req, const char *name,
                                  const char *value)
{
    char *got CLEANUP(mem_cleanup) = fake_header(req, name);

    return value ? got && !strcmp(got, value) : !got;
}

static inline bool fake_read_request(struct fake_conn *c, struct fake_request *req)
{
    char *head = mem_calloc(1, FAKE_MAX_HEAD + 1);
    char *length;
    size_t n = 0;

    req->head = head;
    while (n < FAKE_MAX_HEAD && !strstr(head, "\r\n\r\n")) {
        if (fake_read(c, head + n, 1) != 1)
            return false;
        n++;
    }
    if (sscanf(head, "%15s %4095s", req->method, req->path) != 2)
        return false;
    length = fake_header(req, "Content-Length");
    req->body_len = length ? strtoul(length, NULL, 10) : 0;
    free(length);
    req->body = mem_calloc(1, req->body_len + 1);
    for (n = 0; n < req->body_len;) {
        int got = fake_read(c, req->body + n, req->body_len - n);

        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

static inline void *fake_serve_conn(void *arg)
{
    struct fake_conn *c = arg;
    struct fake_server *s = c->server;

    if (s->tls) {
        c->ssl = SSL_new(s->tls);
        SSL_set_fd(c->ssl, c->fd);
        if (SSL_accept(c->ssl) != 1)
            c->closed = true;
    }
    while (!c->closed) {
        struct fake_request req = {.conn_number = c->number};

        if (fake_read_request(c, &req)) {
            pthread_mutex_lock(&s->lock);
            req.number = ++s->requests;
            pthread_mutex_unlock(&s->lock);
            s->handler(c, &req, s->user);
        } else {
            c->closed = true;
        }
        free(req.head);
        free(req.body);
    }
    if (c->ssl)
        SSL_free(c->ssl);
    ERR_clear_error();
    pthread_mutex_lock(&s->lock);
    shutdown(c->fd, SHUT_RDWR);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --- the server ---------------------------------------------------------------------------------
 */

static inline void *fake_accept(void *arg)
{
    struct fake_server *s = arg;
    int fd, one = 1;

    while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct fake_conn *c = mem_calloc(1, sizeof(*c));

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        c->server = s;
        c->fd = fd;
        pthread_mutex_lock(&s->lock);
        if (s->stop || s->nconns == FAKE_MAX_CONNS) {
            pthread_mutex_unlock(&s->lock);
            close(fd);
            free(c);
            continue;
        }
        s->conns[s->nconns++] = c;
        c->number = s->nconns;
        pthread_create(&c->thread, NULL, fake_serve_conn, c);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

static inline void fake_listen(struct fake_server *s, int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof(addr);
    int one = 1;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(s->fd, 128))
        bug("the fake server can't listen on port %d", port);
    getsockname(s->fd, (struct sockaddr *)&addr, &len);
    s->port = ntohs(addr.sin_port);
    snprintf(s->url, sizeof(s->url), "%s://127.0.0.1:%d", s->tls ? "https" : "http", s->port);
}

/* cert: NULL = plain HTTP; client_ca: demand a client certificate from it. port 0 = any. */
static inline struct fake_server *fake_server_new(fake_handler *handler, void *user,
                                                  const struct fake_cert *cert,
                                                  const struct fake_cert *client_ca, int port)
{
    struct fake_server *s = mem_calloc(1, sizeof(*s));

    signal(SIGPIPE, SIG_IGN);
    s->handler = handler;
    s->user = user;
    pthread_mutex_init(&s->lock, NULL);
    if (cert) {
        s->tls = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(s->tls, cert->cert);
        SSL_CTX_use_PrivateKey(s->tls, cert->key);
        if (client_ca) {
            X509_STORE_add_cert(SSL_CTX_get_cert_store(s->tls), client_ca->cert);
            SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        }
    }
    fake_listen(s, port);
    pthread_create(&s->thread, NULL, fake_accept, s);
    return s;
}

/* How many requests have come in so far. */
static inline int fake_requests(struct fake_server *s)
{
    int n;

    pthread_mutex_lock(&s->lock);
    n = s->requests;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static inline int fake_conns(struct fake_server *s)
{
    int n;

    pthread_mutex_lock(&s->lock);
    n = s->nconns;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static inline void fake_server_free(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    __atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
    shutdown(s->fd, SHUT_RDWR);
    for (int i = 0; i < s->nconns; i++)
        if (s->conns[i]->fd >= 0)
            shutdown(s->conns[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (int i = 0; i < s->nconns; i++) {
        pthread_join(s->conns[i]->thread, NULL);
        free(s->conns[i]);
    }
    SSL_CTX_free(s->tls);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

#endif
