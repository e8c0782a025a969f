import os
import select
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
server.listen(128)
server.setblocking(False)
print(server.getsockname()[1], flush=True)
parent = os.pidfd_open(os.getpid())


def work():
    epoll = select.epoll()
    epoll.register(server, select.EPOLLIN | select.EPOLLEXCLUSIVE)
    epoll.register(parent, select.EPOLLIN)
    clients = {}
    while True:
        for number, events in epoll.poll():
            if number == server.fileno():
                accept(epoll, clients)
            elif number == parent:
                os._exit(0)
            else:
                answer(epoll, clients, number)


def accept(epoll, clients):
    try:
        client, address = server.accept()
    except BlockingIOError:
        return
    epoll.register(client, select.EPOLLIN)
    clients[client.fileno()] = client


def answer(epoll, clients, number):
    data = clients[number].recv(1024)
    if data:
        clients[number].send(data)
    else:
        epoll.unregister(number)
        clients.pop(number).close()


workers = 0
while True:
    while workers < 3:
        if os.fork() == 0:
            work()
        workers += 1
    os.wait()
    workers -= 1
