/*
 * An echo server by hand: one thread and epoll, without a library.
 *
 * The idea: the program tells the kernel which sockets it waits for, sleeps until some are ready
 * (`epoll_wait`), does for each what is possible without waiting, and sleeps again. asyncio, gevent and
 * Node contain the same loop. If they take more time than this program, the difference is the
 * cost of their language and library.
 *
 * Level-triggered: as long as a socket has data (or room), every `epoll_wait` reports it, so the
 * program may leave some data for the next turn of the loop. Edge-triggered epoll reports each arrival
 * only once.
 *
 * Similar portlab model: `event-loop`.
 *
 * What blocks: everything. While the program works for one client, the others wait. So no call
 * here may wait: all sockets are non-blocking. If the kernel doesn't take a whole answer, the program
 * keeps the rest, and waits for room (EPOLLOUT instead of EPOLLIN). Until the rest is sent, the client
 * isn't read: that is the back-pressure, and it bounds the memory.
 *
 * What a connection costs: 24 bytes and a descriptor here, the socket in the kernel; 64 KiB at most while
 * its client doesn't read. Per message a `recv`, a `send`, and a share of one `epoll_wait`.
 *
 * What breaks first: the one processor on which the loop runs; after that, the number of descriptors
 * (`ulimit -n`).
 *
 * Run it: cc -O2 -o c_epoll c_epoll.c && ./c_epoll 9090
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, EVENTS = 256, CHUNK = 64 * 1024, RETRY_MS = 500 };

/* A connection. `kept` is the rest of an answer that the kernel didn't take, or null; the bytes from `start` to `end`
 * aren't sent yet. */
struct conn {
    int fd;
    uint32_t start, end;
    char *kept;
};

static int poller, listener;
static bool is_paused; /* after descriptors ran out, the listener isn't polled for a while */
static char buffer[CHUNK];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Adds `fd` to the polled descriptors, or changes its events. `epoll_wait` returns `tag` with each event. */
static int watch(int how, int fd, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    return epoll_ctl(poller, how, fd, &event);
}

static void resume_accepting(void)
{
    is_paused = watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener) < 0;
}

static void close_conn(struct conn *conn)
{
    close(conn->fd); /* closing also ends the polling of this descriptor */
    free(conn->kept);
    free(conn);
    if (is_paused)
        resume_accepting();
}

/* Accepts one connection. If more are waiting, the next `epoll_wait` reports the listener again. */
static void accept_one(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        /* The connection stays in the queue, so every `epoll_wait` would return at once. */
        if (exhausted && epoll_ctl(poller, EPOLL_CTL_DEL, listener, NULL) == 0)
            is_paused = true;
        /* Every other error, such as a connection that is already closed, concerns one client only. */
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        close(fd);
        return;
    }
    conn->fd = fd;
    if (watch(EPOLL_CTL_ADD, fd, EPOLLIN, conn) < 0)
        close_conn(conn);
}

/* Sends as many of `length` bytes as the kernel takes, and returns their number; -1 if the connection is lost. */
static ssize_t send_some(int fd, const char *bytes, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        /* Without MSG_NOSIGNAL, a send to a closed connection would end the program by SIGPIPE. */
        ssize_t n = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)sent;
}

/* Reads once and answers. Returns false if the connection must be closed. */
static bool on_readable(struct conn *conn)
{
    ssize_t length = recv(conn->fd, buffer, sizeof buffer, 0);
    if (length < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    /* The client's FIN. A connection is read only after every earlier byte was echoed, so nothing is left to send. */
    if (length == 0)
        return false;
    ssize_t sent = send_some(conn->fd, buffer, (size_t)length);
    if (sent < 0 || sent == length)
        return sent == length;
    conn->start = 0;
    conn->end = (uint32_t)(length - sent);
    conn->kept = malloc(conn->end);
    if (!conn->kept)
        return false;
    memcpy(conn->kept, buffer + sent, conn->end);
    return watch(EPOLL_CTL_MOD, conn->fd, EPOLLOUT, conn) == 0;
}

/* Sends more of the kept bytes. Returns false if the connection must be closed. */
static bool on_writable(struct conn *conn)
{
    ssize_t sent = send_some(conn->fd, conn->kept + conn->start, conn->end - conn->start);
    if (sent < 0)
        return false;
    conn->start += (uint32_t)sent;
    if (conn->start < conn->end)
        return true;
    free(conn->kept);
    conn->kept = NULL;
    return watch(EPOLL_CTL_MOD, conn->fd, EPOLLIN, conn) == 0;
}

static void bind_and_listen(int port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) < 0)
        fail("bind");
    if (listen(listener, BACKLOG) < 0)
        fail("listen");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    /* SIGTERM and Ctrl-C (SIGINT) arrive as events of a descriptor, like all other events. */
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    sigprocmask(SIG_BLOCK, &stop_signals, NULL);
    int signals = signalfd(-1, &stop_signals, SFD_CLOEXEC);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (signals < 0 || poller < 0)
        fail("epoll_create1");
    bind_and_listen(atoi(argv[1]));
    if (watch(EPOLL_CTL_ADD, signals, EPOLLIN, &stop_signals) < 0 ||
        watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener) < 0)
        fail("epoll_ctl");

    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, is_paused ? RETRY_MS : -1);
        if (ready < 0 && errno != EINTR)
            fail("epoll_wait");
        if (ready == 0 && is_paused)
            resume_accepting();
        /* A connection has at most one event in a turn, and only that event closes it: each tag is still valid. */
        for (int i = 0; i < ready; i++) {
            void *tag = events[i].data.ptr;
            if (tag == &stop_signals)
                return 0;
            if (tag == &listener) {
                accept_one();
                continue;
            }
            struct conn *conn = tag;
            /* After a reset (EPOLLERR, EPOLLHUP), `recv` or `send` fails, so the function returns false. */
            if (!(conn->kept ? on_writable(conn) : on_readable(conn)))
                close_conn(conn);
        }
    }
}
