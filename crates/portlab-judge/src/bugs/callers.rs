//! Bugs of clients.

use super::Bug;

const CLIENT: Bug = Bug::read_in("client");

pub(super) const no_connect: Bug = Bug {
    title: ["the program doesn't connect", "程序没有连接服务端"],
    cause: [
        "A client must call connect() with the server's address before it can send.",
        "客户端要先用服务端的地址调用 connect()，然后才能收发数据。",
    ],
    remedy: [
        "Make a TCP socket and connect it. If the program is a server, judge it without --client.",
        "创建 TCP 套接字并调用 connect()。如果这个程序是服务端，评测时不要写 --client。",
    ],
    code: "client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\nclient.connect((\"127.0.0.1\", 8080))",
    look_at: &[
        ".connect(",
        "create_connection(",
        "socket.socket(",
        "input(",
    ],
    ..CLIENT
};

pub(super) const crashes_at_start: Bug = Bug {
    title: [
        "the program ends before it connects",
        "程序还没连接就结束了",
    ],
    cause: [
        "An error at the start has ended the program. The last line of its stderr says which.",
        "程序启动时出了错误。错误输出的最后一行说明了是什么错误。",
    ],
    remedy: [
        "Read the last line of the error, and the line of the program that it names.",
        "先看错误信息的最后一行，再看它指出的那一行程序。",
    ],
    ..CLIENT
};

pub(super) const crashes: Bug = Bug {
    title: ["the program ends with an error", "程序出错结束"],
    cause: [
        "An error has ended the program although the server did nothing unusual. The last line of its stderr says which: \
         send() takes bytes, not text, and recv() returns bytes.",
        "服务端一切正常，程序却因为出错结束了。错误输出的最后一行说明了是什么错误：send() 要的是字节而不是字符串，recv() 返回的也是字节。",
    ],
    remedy: [
        "Correct the line that the error names. Encode before sending, decode after receiving. If only another answer suits the \
         program, say what it speaks: --as echo, lines or http.",
        "改正错误所指的那一行：发送前先编码，接收后再解码。如果程序需要另一种回答，请用 --as 说明：echo、lines 或 http。",
    ],
    code: "client.sendall(\"你好\".encode(\"gbk\"))\ntext = client.recv(1024).decode(\"gbk\")",
    lesson: "encodings",
    look_at: &[".send(", ".sendall(", ".recv("],
    ..CLIENT
};

pub(super) const sends_nothing: Bug = Bug {
    title: [
        "the client sends nothing, and waits",
        "客户端什么也没发送，一直在等",
    ],
    cause: [
        "Client and server both wait for the other one. Either the client calls recv() before it sends, or what it has written \
         is still in the buffer of a file object.",
        "客户端和服务端都在等对方先发送。可能是客户端先调用了 recv()，也可能是写入的内容还留在文件对象的缓冲区里。",
    ],
    remedy: [
        "Send first, and call flush() after writing to a file object of makefile().",
        "先发送再接收；用 makefile() 得到的文件对象，写完之后要调用 flush()。",
    ],
    code: "lines.write(\"hello\\n\")\nlines.flush()",
    look_at: &[".write(", ".recv(", ".readline("],
    ..CLIENT
};

pub(super) const mixed_encodings: Bug = Bug {
    title: [
        "it sends in one encoding and decodes in another",
        "发送和接收用了不同的编码",
    ],
    cause: [
        "encode() and decode() without a name use UTF-8. The answer came in the encoding of the question, and the client could \
         read only an answer in the other one.",
        "encode() 和 decode() 不写编码名就是 UTF-8。服务端按客户端的编码回答，客户端却只能读懂另一种编码。",
    ],
    remedy: [
        "Write the same encoding in both calls, the one of the server.",
        "两处写同一种编码，并且和服务端一致。",
    ],
    code: "client.sendall(text.encode(\"gbk\"))\ntext = data.decode(\"gbk\")",
    lesson: "encodings",
    look_at: &[".decode("],
    ..CLIENT
};

pub(super) const one_read_one_message: Bug = Bug {
    title: [
        "one recv() is taken for the whole answer",
        "把一次 recv() 当成了完整的回答",
    ],
    cause: [
        "TCP carries a stream of bytes: an answer may come in several pieces, and recv() returns what has come so far.",
        "TCP 传输的是字节流：一个回答可能分几次到达，recv() 只返回已经到达的部分。",
    ],
    remedy: [
        "Call recv() in a loop until the line end, the length that was announced, or the server's end has come.",
        "在循环里调用 recv()，直到收到行结束符、收够约定的长度，或者服务端关闭。",
    ],
    code: "answer = b\"\"\nwhile not answer.endswith(b\"\\n\"):\n    data = client.recv(1024)\n    if not data:\n        break\n    \
           answer += data",
    lesson: "bytes",
    look_at: &[".recv("],
    ..CLIENT
};

pub(super) const splits_character: Bug = Bug {
    title: [
        "a character that comes in two pieces is not decoded",
        "一个汉字分两次到达就解码出错",
    ],
    cause: [
        "A Chinese character has two bytes in GBK and three in UTF-8. recv() may end inside of one, and decode() needs whole \
         characters.",
        "一个汉字在 GBK 中占 2 字节，在 UTF-8 中占 3 字节。recv() 可能只收到半个汉字，而 decode() 需要完整的字符。",
    ],
    remedy: [
        "Collect all bytes first, and decode once; or use an incremental decoder.",
        "先把字节收集完整再解码一次；或者使用增量解码器。",
    ],
    code: "answer = b\"\"\nwhile data := client.recv(1024):\n    answer += data\nprint(answer.decode(\"{encoding}\"))",
    lesson: "bytes",
    look_at: &[".recv(1024).decode(", ".decode("],
    ..CLIENT
};

pub(super) const dies_at_server_end: Bug = Bug {
    title: [
        "the client dies when the server closes",
        "服务端一关闭，客户端就出错",
    ],
    cause: [
        "When the server has closed, recv() returns b\"\", without any data. The program goes on as if an answer had come.",
        "服务端关闭以后，recv() 返回 b\"\"（没有数据）。程序却当成收到了回答继续处理。",
    ],
    remedy: [
        "Ask after each recv() whether anything came.",
        "每次 recv() 之后先判断有没有数据。",
    ],
    code: "data = client.recv(1024)\nif not data:\n    print(\"服务端已关闭\")\n    client.close()",
    lesson: "eof",
    look_at: &[".recv(", ".readline("],
    ..CLIENT
};

pub(super) const misses_server_end: Bug = Bug {
    title: [
        "the client doesn't notice that the server has closed",
        "客户端没有发现服务端已经关闭",
    ],
    cause: [
        "When the server has closed, recv() returns b\"\" at once, again and again. The loop runs for ever: 100 % CPU.",
        "服务端关闭以后，recv() 每次都马上返回 b\"\"。循环停不下来：CPU 100%。",
    ],
    remedy: [
        "Leave the loop when recv() returns nothing, and close the socket.",
        "recv() 没有返回数据时就退出循环，并关闭套接字。",
    ],
    code: "data = client.recv(1024)\nif not data:\n    break",
    lesson: "eof",
    look_at: &[".recv("],
    ..CLIENT
};

pub(super) const never_closes: Bug = Bug {
    title: [
        "the client never closes its socket",
        "客户端一直不关闭套接字",
    ],
    cause: [
        "The server has closed, and the client still runs with an open socket: the connection stays in CLOSE-WAIT.",
        "服务端已经关闭，客户端还在运行，套接字也没有关闭：连接停留在 CLOSE-WAIT 状态。",
    ],
    remedy: [
        "Close the socket when the conversation is over; `with` does that in any case.",
        "通信结束后关闭套接字；用 with 语句可以保证一定关闭。",
    ],
    code: "with socket.create_connection((\"127.0.0.1\", 8080)) as client:\n    ...",
    lesson: "eof",
    look_at: &[".close(", ".connect(", "create_connection("],
    ..CLIENT
};

pub(super) const dies_at_reset: Bug = Bug {
    title: [
        "a reset ends the client with a traceback",
        "连接被复位，客户端就出错退出",
    ],
    cause: [
        "A server that is killed, or that closes with unread data, resets the connection. recv() then raises \
         ConnectionResetError.",
        "服务端被强行结束，或者还有数据没读就关闭时，连接会被复位，recv() 就抛出 ConnectionResetError。",
    ],
    remedy: [
        "Catch OSError around the conversation, and say what has happened.",
        "用 try 捕获 OSError，并告诉用户发生了什么。",
    ],
    code: "try:\n    data = client.recv(1024)\nexcept OSError as error:\n    print(\"连接中断：\", error)",
    lesson: "eof",
    look_at: &[".recv("],
    ..CLIENT
};

pub(super) const dies_at_refusal: Bug = Bug {
    title: [
        "without a server, the client ends with a traceback",
        "服务端没有启动，客户端就出错退出",
    ],
    cause: [
        "If no program listens at the port, connect() raises ConnectionRefusedError.",
        "如果没有程序监听这个端口，connect() 会抛出 ConnectionRefusedError。",
    ],
    remedy: [
        "Catch OSError around connect(), and say which server can't be reached.",
        "用 try 捕获 connect() 的 OSError，并说明连不上哪个服务端。",
    ],
    code: "try:\n    client.connect((host, port))\nexcept OSError as error:\n    print(\"连不上服务端：\", error)",
    look_at: &[".connect(", "create_connection("],
    ..CLIENT
};

pub(super) const no_timeout: Bug = Bug {
    title: ["the client waits for ever", "客户端会一直等下去"],
    cause: [
        "If the server doesn't answer, recv() waits without a limit, and the user can't do anything.",
        "如果服务端不回答，recv() 会无限期等待，用户什么也做不了。",
    ],
    remedy: [
        "Set a timeout, and catch socket.timeout.",
        "设置超时时间，并捕获 socket.timeout。",
    ],
    code: "client.settimeout(10)",
    look_at: &["socket.socket(", ".connect(", "create_connection("],
    ..CLIENT
};

pub(super) const busy_loop: Bug = Bug {
    title: [
        "the client uses a whole CPU while it waits",
        "等待时占满一个 CPU",
    ],
    cause: [
        "A non-blocking recv() returns at once. A loop around it asks again and again, thousands of times in a second.",
        "非阻塞的 recv() 会马上返回。循环就不停地反复查询，每秒成千上万次。",
    ],
    remedy: [
        "Let recv() block, or wait with select() until something has come.",
        "让 recv() 阻塞等待，或者用 select() 等到有数据再读。",
    ],
    code: "client.setblocking(True)\ndata = client.recv(1024)",
    lesson: "event-loop",
    look_at: &["setblocking(False)", "settimeout(0", ".recv("],
    ..CLIENT
};

pub(super) const send_not_sendall: Bug = Bug {
    title: ["a large message is cut off", "数据太多时没有发完"],
    cause: [
        "send() sends what fits into the buffer and returns how much that was. The rest is never sent.",
        "send() 只发送缓冲区放得下的部分，并返回发了多少。剩下的就没有发出去。",
    ],
    remedy: [
        "Use sendall(): it sends everything.",
        "改用 sendall()，它会全部发完。",
    ],
    code: "client.sendall(data)",
    lesson: "bytes",
    look_at: &[".send("],
    ..CLIENT
};

pub(super) const no_blank_line: Bug = Bug {
    title: ["the request of HTTP doesn't end", "HTTP 请求没有结束"],
    cause: [
        "An empty line ends the head of a request. Without it, the server waits for more, and the client waits for the answer.",
        "请求头以一个空行结束。没有空行，服务端会继续等待，客户端也等不到回答。",
    ],
    remedy: [
        "End the head with \\r\\n\\r\\n.",
        "请求头的最后要写 \\r\\n\\r\\n。",
    ],
    code: "request = \"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n\"",
    lesson: "http",
    look_at: &["HTTP/1", ".send"],
    ..CLIENT
};

pub(super) const bare_lf: Bug = Bug {
    title: [
        "the lines of the request end with \\n alone",
        "请求的每一行只用 \\n 结尾",
    ],
    cause: [
        "In HTTP, a line ends with \\r\\n. Some servers refuse a request with \\n alone.",
        "HTTP 规定每行以 \\r\\n 结尾。只写 \\n，有的服务端会拒绝这个请求。",
    ],
    remedy: ["End each line with \\r\\n.", "每一行都用 \\r\\n 结尾。"],
    code: "request = \"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n\"",
    lesson: "http",
    look_at: &["HTTP/1", ".send"],
    ..CLIENT
};

pub(super) const no_host: Bug = Bug {
    title: ["the request has no Host line", "请求里没有 Host 这一行"],
    cause: [
        "HTTP/1.1 demands a Host line: several sites may have the same address. Servers answer 400 without it.",
        "HTTP/1.1 规定必须有 Host 行，因为几个网站可能用同一个地址。没有它，服务端会回答 400。",
    ],
    remedy: ["Add the line.", "加上这一行。"],
    code: "request = \"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n\"",
    lesson: "http",
    look_at: &["HTTP/1", ".send"],
    ..CLIENT
};

pub(super) const waits_for_close: Bug = Bug {
    title: [
        "the client waits for the server's end although the answer is whole",
        "回答已经完整，客户端还在等服务端关闭",
    ],
    cause: [
        "A server of HTTP/1.1 keeps the connection open. The answer ends after as many bytes as Content-Length says.",
        "HTTP/1.1 的服务端会保持连接。回答的长度由 Content-Length 说明，收够就结束了。",
    ],
    remedy: [
        "Ask for the close with `Connection: close`, or read as many bytes as Content-Length says.",
        "请求里写上 Connection: close，或者按 Content-Length 的长度读取。",
    ],
    code: "request = \"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\"\nrequest += \"Connection: close\\r\\n\\r\\n\"",
    lesson: "http",
    look_at: &["HTTP/1.1", ".recv("],
    ..CLIENT
};
