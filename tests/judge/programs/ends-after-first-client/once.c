/* Bug: one accept, so the program ends with its first client. */
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
    ssize_t length;
    int client = accept(listen_at(8080, 128), NULL, NULL);
    while ((length = read(client, buffer, sizeof buffer)) > 0) {
        if (write(client, buffer, length) < 0)
            break;
    }
    close(client);
    return 0;
}
