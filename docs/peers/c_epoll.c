/*
 * An echo by hand: one thread, epoll, and nothing in between.
 *
 * The idea: tell the kernel which sockets you wait for, sleep until some are ready (`epoll_wait`), do
 * for each what can be done without waiting, and sleep again. It is the loop inside of asyncio, gevent
 * and Node, without the language around it: what the others take more than this, they take for
 * their comfort.
 *
 * Level-triggered: as long as a socket has data (or room), epoll says so again, so it is no mistake to
 * leave some for the next turn. Edge-triggered epoll tells of each arrival once.
 *
 * portlab's kin: `event-loop`.
 *
 * What blocks: everything. Whatever is done for one client, the others wait for it. So no call here
 * may wait: all sockets are non-blocking, and an answer that the kernel doesn't take is kept, with a
 * note (EPOLLOUT instead of EPOLLIN) to go on when there is room. Until it has gone, its client isn't
 * read: that is the back-pressure, and it bounds the memory.
 *
 * What a connection costs: 24 bytes and a descriptor here, the socket in the kernel; 64 KiB at most while
 * its client doesn't read. Per message a `recv`, a `send`, and a share of one `epoll_wait`.
 *
 * What breaks first: the one processor that it runs on; after that, the number of descriptors
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

/* A client. `kept` is what the kernel didn't take of its answer, or null. */
struct conn {
    int fd;
    uint32_t start, end;
    char *kept;
};

static int poller, listener;
static bool deaf; /* out of descriptors: the listener isn't polled for a while */
static char buffer[CHUNK];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Adds `fd` to what is polled, or changes what it is polled for. `tag` comes back with its events. */
static int watch(int how, int fd, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    return epoll_ctl(poller, how, fd, &event);
}

static void hear_again(void)
{
    deaf = watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener) < 0;
}

static void close_conn(struct conn *conn)
{
    close(conn->fd); /* and so it isn't polled any more */
    free(conn->kept);
    free(conn);
    if (deaf)
        hear_again();
}

/* One client a turn: if there are more, epoll will say so. */
static void accept_one(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        /* The client stays in the queue and epoll would tell of it again and again. */
        if (exhausted && epoll_ctl(poller, EPOLL_CTL_DEL, listener, NULL) == 0)
            deaf = true;
        /* Anything else (it has gone already) concerns that client alone. */
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

/* Sends what it can of `length` bytes and says how much that was; -1 if the client has gone. */
static ssize_t send_some(int fd, const char *bytes, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        /* Without MSG_NOSIGNAL, a client that has gone would end the program by SIGPIPE. */
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

/* Reads once and answers. False: this connection is over. */
static bool on_readable(struct conn *conn)
{
    ssize_t length = recv(conn->fd, buffer, sizeof buffer, 0);
    if (length < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    /* The client's FIN. We read only when everything has been answered, so nothing is owed. */
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

/* Goes on with what was kept. False: this connection is over. */
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
        die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) < 0)
        die("bind");
    if (listen(listener, BACKLOG) < 0)
        die("listen");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    /* The end is an event like any other: SIGTERM and Ctrl-C are read from a descriptor. */
    sigset_t endings;
    sigemptyset(&endings);
    sigaddset(&endings, SIGTERM);
    sigaddset(&endings, SIGINT);
    sigprocmask(SIG_BLOCK, &endings, NULL);
    int signals = signalfd(-1, &endings, SFD_CLOEXEC);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (signals < 0 || poller < 0)
        die("epoll_create1");
    bind_and_listen(atoi(argv[1]));
    if (watch(EPOLL_CTL_ADD, signals, EPOLLIN, &endings) < 0 ||
        watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener) < 0)
        die("epoll_ctl");

    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, deaf ? RETRY_MS : -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");
        if (ready == 0 && deaf)
            hear_again();
        /* A connection has one event a turn, and only its own event closes it: no tag is stale. */
        for (int i = 0; i < ready; i++) {
            void *tag = events[i].data.ptr;
            if (tag == &endings)
                return 0;
            if (tag == &listener) {
                accept_one();
                continue;
            }
            struct conn *conn = tag;
            /* A reset (EPOLLERR, EPOLLHUP) comes out of either as an error. */
            if (!(conn->kept ? on_writable(conn) : on_readable(conn)))
                close_conn(conn);
        }
    }
}
