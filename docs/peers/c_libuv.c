/*
 * An echo server with libuv, the library below Node: one thread and callbacks.
 *
 * The idea: the loop of `c_epoll.c` as a library. The program gives libuv a function for each event; libuv owns the loop, reads
 * before it calls the function, and keeps what the kernel doesn't take. On other systems the same program uses
 * kqueue or completion ports.
 *
 * Similar portlab model: `event-loop`.
 *
 * What blocks: everything. While a callback runs, the other clients wait.
 *
 * What a connection costs: a handle of 248 bytes with a watcher, and a descriptor; while its client doesn't read, the
 * rest of an answer, 64 KiB at most. Per message a `read`, a `write`, and a share of one `epoll_wait`.
 *
 * What breaks first: the one processor on which the loop runs; after that, the number of descriptors
 * (`ulimit -n`).
 *
 * Run it: cc -O2 -o c_libuv c_libuv.c -luv && ./c_libuv 9090
 */
/* Needs the library: uv */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BACKLOG = 1024, CHUNK = 64 * 1024 };

/* The rest of an answer that the kernel didn't take; libuv sends it. */
struct rest {
    uv_write_t request;
    char bytes[];
};

/* All connections read into one buffer: libuv calls `on_read` at once after each read. */
static char buffer[CHUNK];

static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
        exit(1);
    }
}

static void on_closed(uv_handle_t *conn)
{
    free(conn);
}

static void on_buffer(uv_handle_t *conn, size_t suggested, uv_buf_t *buf)
{
    (void)conn, (void)suggested;
    *buf = uv_buf_init(buffer, sizeof buffer);
}

static void on_read(uv_stream_t *conn, ssize_t length, const uv_buf_t *buf);

/* The rest is sent: the connection is read again. A failed write means that the connection is lost. */
static void on_written(uv_write_t *request, int status)
{
    uv_stream_t *conn = request->handle;
    free(request);
    /* UV_ECANCELED: the connection is being closed already. */
    if (status == UV_ECANCELED)
        return;
    if (status < 0 || uv_read_start(conn, on_buffer, on_read) < 0)
        uv_close((uv_handle_t *)conn, on_closed);
}

/* Queues the bytes that the kernel didn't take. Until they are sent, the client isn't read: that is the back-pressure. */
static int send_later(uv_stream_t *conn, const char *bytes, size_t length)
{
    struct rest *rest = malloc(sizeof *rest + length);
    if (!rest)
        return UV_ENOMEM;
    memcpy(rest->bytes, bytes, length);
    uv_buf_t buf = uv_buf_init(rest->bytes, (unsigned)length);
    uv_read_stop(conn);
    int status = uv_write(&rest->request, conn, &buf, 1, on_written);
    if (status < 0)
        free(rest);
    return status;
}

static void on_read(uv_stream_t *conn, ssize_t length, const uv_buf_t *buf)
{
    if (length == 0) /* nothing was there to read */
        return;
    int status = (int)length; /* of a failed read; or UV_EOF: the client's FIN, and every byte before it is echoed */
    if (length > 0) {
        uv_buf_t answer = uv_buf_init(buf->base, (unsigned)length);
        int sent = uv_try_write(conn, &answer, 1);
        if (sent == UV_EAGAIN)
            sent = 0;
        status = sent;
        if (sent >= 0 && sent < length)
            status = send_later(conn, buf->base + sent, (size_t)(length - sent));
    }
    if (status < 0)
        uv_close((uv_handle_t *)conn, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    /* It concerns one client only. If descriptors run out, libuv itself accepts the waiting connections and closes them. */
    if (status < 0)
        return;
    uv_tcp_t *conn = malloc(sizeof *conn);
    if (!conn)
        return;
    check(uv_tcp_init(listener->loop, conn), "uv_tcp_init");
    if (uv_accept(listener, (uv_stream_t *)conn) < 0 || uv_tcp_nodelay(conn, 1) < 0 ||
        uv_read_start((uv_stream_t *)conn, on_buffer, on_read) < 0)
        uv_close((uv_handle_t *)conn, on_closed);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    /* Without this, a write to a closed connection would end the program. */
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t terminate, interrupt;
    check(uv_signal_init(loop, &terminate), "uv_signal_init");
    check(uv_signal_init(loop, &interrupt), "uv_signal_init");
    check(uv_signal_start(&terminate, on_signal, SIGTERM), "uv_signal_start");
    check(uv_signal_start(&interrupt, on_signal, SIGINT), "uv_signal_start");

    struct sockaddr_in addr;
    uv_tcp_t listener;
    check(uv_ip4_addr("127.0.0.1", atoi(argv[1]), &addr), "uv_ip4_addr");
    check(uv_tcp_init(loop, &listener), "uv_tcp_init");
    check(uv_tcp_bind(&listener, (const struct sockaddr *)&addr, 0), "uv_tcp_bind"); /* sets SO_REUSEADDR */
    check(uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection), "uv_listen");
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
