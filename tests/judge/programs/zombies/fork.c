/* Bug: no wait, so each child stays as a zombie. */
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
    const char *answer = "welcome\n";
    char buffer[1024];
    int server = listen_at(8080, 128);
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client < 0)
            continue;
        if (fork() == 0) {
            close(server);
            if (recv(client, buffer, sizeof buffer, 0) > 0)
                send(client, answer, strlen(answer), MSG_NOSIGNAL);
            close(client);
            _exit(0);
        }
        close(client);
    }
}
