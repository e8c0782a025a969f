//! Servers that don't find the end of a message, or mistake whose it is.

use super::Bug;

pub(super) const one_read_one_message: Bug = Bug {
    title: [
        "one recv() is taken for one message",
        "把一次 recv() 当成了一条消息",
    ],
    cause: [
        "TCP is a stream of bytes. Two messages may come out of one recv() together, and one message may come out of two.",
        "TCP 传输的是字节流，没有消息的边界。两条消息可能被一次 recv() 一起收到，一条消息也可能要收两次。",
    ],
    remedy: [
        "Collect the bytes in a buffer of this client, and take a message out whenever its end is there.",
        "给每个客户端准备一个缓冲区，收到的数据先放进去，找到一条消息的结尾才取出来处理。",
    ],
    code: "buffer += client.recv(1024)\nwhile b\"\\n\" in buffer:\n    line, buffer = buffer.split(b\"\\n\", 1)\n    ...",
    look_at: &[".recv(", ".read("],
    ..Bug::read_in("bytes")
};

pub(super) const shared_state: Bug = Bug {
    title: [
        "the data of two clients gets mixed up",
        "两个客户端的数据混在了一起",
    ],
    cause: [
        "All clients use one variable: a global one, or one that belongs to the class. While one client is served, \
         another one changes it.",
        "所有客户端共用了同一个变量：全局变量，或者类变量。正在服务一个客户端的时候，另一个客户端把它改掉了。",
    ],
    remedy: [
        "Hand the socket to the function as an argument, and keep the data of a client in local variables, or in `self`.",
        "把套接字作为参数传给函数；每个客户端的数据放在局部变量里，或者放在 self 里（在 __init__ 中创建）。",
    ],
    code: "threading.Thread(target=serve, args=(client,)).start()",
    look_at: &["global ", "Thread("],
    ..Bug::read_in("lost-update")
};
