/* Bug: the children poll with the timeout 0. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(int port, int backlog) {
    int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server, (struct sockaddr *)&addr, sizeof addr) || listen(server, backlog)) {
        perror("bind");
        exit(1);
    }
    return server;
}

static void serve(int client) {
    char buffer[4096];
    struct pollfd ready = {.fd = client, .events = POLLIN};
    for (;;) {
        ssize_t length;
        if (poll(&ready, 1, 0) == 0)
            continue;
        length = recv(client, buffer, sizeof buffer, 0);
        if (length <= 0 || send(client, buffer, length, MSG_NOSIGNAL) < length)
            _exit(0);
    }
}

int main(void) {
    int server = listen_at(8080, 128);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client < 0)
            continue;
        if (fork() == 0)
            serve(client);
        close(client);
    }
}
