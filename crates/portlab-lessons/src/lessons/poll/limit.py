import os
import resource
import select
import socket

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
ours, theirs = socket.socketpair()
theirs.send(b"hello")

for number in 1023, 1024:
    os.dup2(ours.fileno(), number)
    try:
        print(number, "select:", select.select([number], [], [])[0])
    except ValueError as error:
        print(number, "select:", error)
    poller = select.poll()
    poller.register(number, select.POLLIN)
    print(number, "poll:", poller.poll())
