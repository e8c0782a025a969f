//! Servers that run on with something left behind, or keep clients waiting.

use super::Bug;

pub(super) const one_at_a_time: Bug = Bug {
    title: [
        "one silent client keeps all others waiting",
        "一个客户端不说话，别的客户端都得等",
    ],
    cause: [
        "recv() waits until this client sends. Meanwhile the program doesn't come back to accept().",
        "recv() 会一直等这个客户端发数据，这期间程序回不到 accept()。",
    ],
    remedy: [
        "Serve each client in a thread of its own; target gets the function's name, without a call.",
        "为每个客户端创建一个线程；target 后面写函数名，不要加括号调用它。",
    ],
    code: "while True:\n    client, addr = server.accept()\n    threading.Thread(target=serve, args=(client,), daemon=True).start()",
    // A call instead of a function: Thread(target=serve(client)).
    look_at: &["target=", ".recv(", ".accept("],
    ..Bug::read_in("iterative")
};

pub(super) const busy_loop: Bug = Bug {
    title: [
        "the server loops without waiting (busy loop)",
        "没有数据也在不停循环（忙等）",
    ],
    cause: [
        "The sockets are non-blocking, or a timeout is 0: each call returns at once, and the loop asks again and again.",
        "套接字是非阻塞的，或者超时时间为 0：每次调用都马上返回，循环就一遍又一遍地问。",
    ],
    remedy: [
        "Let the program wait until a socket is ready: a blocking recv(), or select, epoll, selectors without a timeout.",
        "让程序等到套接字就绪：用阻塞的 recv()，或者用不带超时的 select、epoll、selectors。",
    ],
    code: "for fd, event in epoll.poll():   # waits\n    ...",
    look_at: &[
        "setblocking(False)",
        "setblocking(0)",
        "poll(0",
        "select(0",
        "settimeout(0",
        "while True",
    ],
    ..Bug::read_in("event-loop")
};

pub(super) const worker_never_ends: Bug = Bug {
    title: [
        "the thread or process of a client never ends",
        "客户端下线了，为它服务的线程或进程没有结束",
    ],
    cause: [
        "The worker doesn't leave its loop when the client has closed, or waits for something else for ever.",
        "客户端关闭以后，线程或进程没有退出循环，或者一直在等别的东西。",
    ],
    remedy: [
        "Leave the loop when recv() returns nothing; a child process must end with os._exit(0).",
        "recv() 返回空时退出循环；子进程最后要调用 os._exit(0)。",
    ],
    code: "data = client.recv(1024)\nif not data:\n    break",
    look_at: &["while True", "Thread(", "fork("],
    ..Bug::read_in("threads")
};

pub(super) const descriptor_leak: Bug = Bug {
    title: [
        "sockets of clients that have left stay open",
        "客户端下线了，它的套接字没有关闭",
    ],
    cause: [
        "The server never calls close() for a client that has left. Each one keeps a descriptor, until \"Too many open \
         files\" ends the server. A parent that forks must close its copy, too.",
        "客户端下线后，服务端没有 close() 它的套接字。每个都占用一个描述符，直到出现 \"Too many open files\"。\
         用 fork 的父进程也要关闭自己那一份。",
    ],
    remedy: [
        "Close the client's socket when recv() returns nothing, and remove it from your lists.",
        "recv() 返回空时关闭客户端套接字，并从列表里删除。",
    ],
    code: "if not data:\n    clients.remove(client)\n    client.close()",
    look_at: &[".append(", ".accept(", "] = "],
    ..Bug::read_in("eof")
};

pub(super) const zombies: Bug = Bug {
    title: [
        "child processes that have ended stay as zombies",
        "结束的子进程成了僵尸进程",
    ],
    cause: [
        "A child that has ended stays in the system's table until its parent calls wait(). This parent never does.",
        "子进程结束以后，要等父进程调用 wait() 才会消失。这个父进程没有调用。",
    ],
    remedy: [
        "Reap the children before each accept(), or let the system do it.",
        "每次 accept() 之前回收子进程，或者让系统自动回收。",
    ],
    code: "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    look_at: &["os.fork(", "Process("],
    ..Bug::read_in("processes")
};

pub(super) const small_backlog: Bug = Bug {
    title: ["the queue of the listening socket is short", "监听队列太短"],
    cause: [
        "listen(n) lets n clients wait for accept(). When more come at once, the system drops their SYN, and they try \
         again after 1 s.",
        "listen(n) 允许 n 个客户端排队等待 accept()。同时来的更多时，系统丢弃它们的 SYN，1 秒之后才重试。",
    ],
    remedy: ["Give listen() a larger number.", "把 listen() 的参数改大。"],
    code: "server.listen(128)",
    look_at: &[".listen("],
    ..Bug::read_in("server")
};

pub(super) const no_reuseaddr: Bug = Bug {
    title: [
        "the server can't be restarted at once",
        "服务端结束后不能马上重新启动",
    ],
    cause: [
        "The side that closes first keeps its connection in TIME-WAIT for a minute. Without SO_REUSEADDR, the system refuses \
         to bind the port again: Address already in use.",
        "先关闭的一方，连接会在 TIME-WAIT 状态停留一分钟。没有设置 SO_REUSEADDR，系统就不让再绑定这个端口：Address already in use。",
    ],
    remedy: [
        "Set the option before bind().",
        "在 bind() 之前设置端口复用。",
    ],
    code: "server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)",
    look_at: &[".bind("],
    ..Bug::read_in("server")
};
