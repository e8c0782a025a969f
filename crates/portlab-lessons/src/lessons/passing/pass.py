import array
import os
import socket


def what(number):
    return os.readlink("/proc/self/fd/%d" % number)


def parent(channel):
    number, end = os.pipe()
    os.write(end, b"hello")
    print("parent:", number, what(number), flush=True)
    rights = array.array("i", [number])
    beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
    channel.sendmsg([b"%d" % number], beside)


def child(channel):
    text, beside, _, _ = channel.recvmsg(16, socket.CMSG_SPACE(4))
    number = int(text)
    passed = array.array("i", beside[0][2])[0]
    print("child: ", number, what(number), flush=True)
    print("child: ", passed, what(passed), flush=True)
    print("child: ", os.read(passed, 100).decode(), flush=True)


ours, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    ours.close()
    child(theirs)
    os._exit(0)
theirs.close()
parent(ours)
os.waitpid(pid, 0)
