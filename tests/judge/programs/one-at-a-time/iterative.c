/* Bug: the loop reads from one client until it leaves; the others wait. */
#include <arpa/inet.h>
#include <netinet/in.h>
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

int main(void) {
    char buffer[4096];
    int server = listen_at(8080, 128);
    for (;;) {
        ssize_t length;
        int client = accept(server, NULL, NULL);
        if (client < 0)
            continue;
        while ((length = recv(client, buffer, sizeof buffer, 0)) > 0) {
            if (send(client, buffer, length, MSG_NOSIGNAL) < length)
                break;
        }
        close(client);
    }
}
