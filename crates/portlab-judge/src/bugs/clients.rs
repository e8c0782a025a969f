//! Servers that one client ends, or keeps from others.

use super::Bug;

pub(super) const ends_after_first_client: Bug = Bug {
    title: [
        "the server ends after its first client",
        "服务完第一个客户端就结束了",
    ],
    cause: [
        "accept() takes one client from the queue. A server that calls accept() once serves one client.",
        "accept() 每次只接待一个客户端。只调用一次 accept()，就只能服务一个客户端。",
    ],
    remedy: [
        "Put accept() and the service of a client into a loop, and close only the client's socket in it.",
        "把 accept() 和收发数据都放进循环，循环里只关闭客户端的套接字。",
    ],
    code: "while True:\n    client, addr = server.accept()\n    ...\n    client.close()",
    look_at: &[".accept("],
    ..Bug::read_in("server")
};

pub(super) const ends_at_empty_connection: Bug = Bug {
    title: [
        "a client that connects and closes ends the server",
        "客户端连上就断开，服务端就坏了",
    ],
    cause: [
        "When the client has closed, recv() returns b\"\", without any data. The program goes on as if a message had come.",
        "客户端关闭以后，recv() 返回 b\"\"（没有数据）。程序却当成收到了一条消息继续处理。",
    ],
    remedy: [
        "Ask after each recv() whether anything came, and close only this client's socket.",
        "每次 recv() 之后先判断有没有数据，没有就只关闭这个客户端的套接字。",
    ],
    code: "while True:\n    data = client.recv(1024)\n    if not data:\n        break\n    client.sendall(data)\nclient.close()",
    look_at: &[".recv(", "break"],
    ..Bug::read_in("eof")
};

pub(super) const keeps_lost_members: Bug = Bug {
    title: [
        "a member who has left the chat stays in the list",
        "已经下线的成员还留在列表里",
    ],
    cause: [
        "The loop over all members also sends to those who have left. There send() raises BrokenPipeError, or OSError for a \
         closed socket, which ends the sender's thread: the members behind in the list hear nothing.",
        "群发的循环还会发给已经下线的成员。这时 send() 抛出 BrokenPipeError（套接字已关闭则是 OSError），发言者的线程就结束了，\
         列表中排在后面的成员什么也收不到。",
    ],
    remedy: [
        "Remove a member from the list when it leaves, and let an error of one member not stop the loop.",
        "成员下线时把它从列表中删掉；一个成员出错时，循环要继续。",
    ],
    code: "finally:\n    members.remove(client)\n    client.close()",
    look_at: &["for ", ".send"],
    ..Bug::read_in("chat")
};

pub(super) const resends_after_end: Bug = Bug {
    title: [
        "the server doesn't notice that a client has closed",
        "服务端没有发现客户端已经下线",
    ],
    cause: [
        "When the client has closed, recv() returns b\"\" at once, again and again. The loop runs for ever: 100 % CPU, \
         and often a resend of the last answer.",
        "客户端关闭以后，recv() 每次都马上返回 b\"\"。循环就停不下来：CPU 100%，常常还在不断重发上一个回答。",
    ],
    remedy: [
        "Leave the loop when recv() returns nothing, and close the socket.",
        "recv() 没有返回数据时就退出循环，并关闭套接字。",
    ],
    code: "data = client.recv(1024)\nif not data:\n    break",
    look_at: &[".recv("],
    ..Bug::read_in("eof")
};

pub(super) const epoll_closed_before_unregistered: Bug = Bug {
    title: [
        "a socket is closed before it is unregistered from epoll",
        "套接字先关闭了，才从 epoll 注销",
    ],
    cause: [
        "After close(), fileno() is -1, so unregister() can't find the socket any more and raises an error.",
        "close() 之后 fileno() 变成 -1，unregister() 就找不到这个套接字，于是抛出异常。",
    ],
    remedy: ["First unregister, then close.", "先 unregister，再 close。"],
    code: "epoll.unregister(client.fileno())\nclient.close()",
    look_at: &["unregister("],
    ..Bug::read_in("event-loop")
};
