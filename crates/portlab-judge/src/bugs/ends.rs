//! Servers that handle the end of a connection, or much data, wrongly.

use super::Bug;

pub(super) const ends_at_reset: Bug = Bug {
    title: [
        "a client that is cut off ends the server",
        "客户端异常断开（复位），服务端就结束了",
    ],
    cause: [
        "When a connection is reset, recv() and send() raise ConnectionResetError or BrokenPipeError. Nothing catches the \
         error, so the whole program ends.",
        "连接被复位时，recv() 和 send() 会抛出 ConnectionResetError 或 BrokenPipeError。没有捕获这个异常，整个程序就结束了。",
    ],
    remedy: [
        "Catch the errors of one client, and close only this client's socket.",
        "捕获单个客户端的异常，只关闭这个客户端的套接字。",
    ],
    code: "try:\n    data = client.recv(1024)\n    client.sendall(data)\nexcept OSError:\n    client.close()",
    look_at: &[".recv(", ".send"],
    ..Bug::read_in("eof")
};

pub(super) const closes_at_half_close: Bug = Bug {
    title: [
        "the server closes before it has answered",
        "服务端还没回答完就关闭了",
    ],
    cause: [
        "A client that has finished sending closes one direction (half-close) and still waits for the answer. The server \
         takes this for the end of everything, and drops what it still has to send.",
        "客户端发完数据后只关闭了一个方向（半关闭），还在等待回答。服务端却当成全部结束，把还没发送的数据丢掉了。",
    ],
    remedy: [
        "When recv() returns nothing, first send what is left, then close.",
        "recv() 返回空时，先把剩下的数据发完，再关闭。",
    ],
    code: "if not data:\n    client.sendall(rest)\n    client.close()",
    look_at: &["EPOLLHUP", "EPOLLRDHUP", "if not ", ".close("],
    ..Bug::read_in("eof")
};

pub(super) const send_not_sendall: Bug = Bug {
    title: [
        "a large answer arrives cut: send() isn't sendall()",
        "数据多时只收到一部分：send() 不等于 sendall()",
    ],
    cause: [
        "send() sends as much as fits into the buffer, and returns how much that was. The rest is never sent. With a \
         non-blocking socket and a slow client this happens soon.",
        "send() 只发送缓冲区放得下的部分，返回值才是实际发送的字节数。剩下的没有再发。套接字是非阻塞的、客户端接收又慢时，很容易出现。",
    ],
    remedy: [
        "Use sendall(); with a non-blocking socket, keep the rest and send it when the socket is writable again.",
        "改用 sendall()；如果是非阻塞套接字，就把剩下的数据存起来，等可写时再发。",
    ],
    code: "client.sendall(data)\n# non-blocking: sent = client.send(rest); rest = rest[sent:]",
    look_at: &[".send(", "setblocking(False)", "settimeout("],
    ..Bug::read_in("bytes")
};
