/* Bug: fopen returns NULL for a file that doesn't exist, and fread crashes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
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

static void *serve(void *arg) {
    int client = (int)(long)arg;
    char request[4096] = "", path[1024], name[1100], body[65536], head[200];
    size_t length = 0;
    while (!strstr(request, "\r\n\r\n")) {
        ssize_t more = recv(client, request + length, sizeof request - 1 - length, 0);
        if (more <= 0)
            break;
        request[length += more] = 0;
    }
    if (strstr(request, "\r\n\r\n") && sscanf(request, "GET /%1000s", path) >= 0 && !strstr(request, "..")) {
        FILE *file;
        if (path[0] == 'H')
            strcpy(path, "index.html");
        snprintf(name, sizeof name, "static/%s", path);
        file = fopen(name, "r");
        length = fread(body, 1, sizeof body, file);
        fclose(file);
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
        send(client, head, strlen(head), MSG_NOSIGNAL);
        send(client, body, length, MSG_NOSIGNAL);
    }
    close(client);
    return NULL;
}

int main(void) {
    int server = listen_at(8080, 128);
    for (;;) {
        pthread_t thread;
        int client = accept(server, NULL, NULL);
        if (client >= 0 && pthread_create(&thread, NULL, serve, (void *)(long)client) == 0)
            pthread_detach(thread);
    }
}
