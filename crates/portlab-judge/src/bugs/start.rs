//! Servers that don't start, or don't answer at all.

use super::Bug;

const PLAIN: Bug = Bug::read_in("server");

pub(super) const no_listen: Bug = Bug {
    title: ["the program doesn't listen", "程序没有监听端口"],
    cause: [
        "A client can connect only when the server has called listen() on a socket that is bound to a port.",
        "服务端要先 bind 端口，再调用 listen()，客户端才能连接。",
    ],
    remedy: [
        "Bind the socket, listen, and accept in a loop.",
        "绑定端口、设置监听，然后在循环里 accept。",
    ],
    code: "server.bind((\"\", 8080))\nserver.listen(128)",
    look_at: &[".bind(", "socket.socket("],
    ..PLAIN
};

pub(super) const input_before_listen: Bug = Bug {
    title: [
        "the program waits for input before it listens",
        "程序在监听之前等待键盘输入",
    ],
    cause: [
        "input() waits until a line is typed. During the judgement nothing is typed, so the program doesn't come to listen().",
        "input() 会一直等到键盘上输入一行。评测时没有人输入，程序就走不到 listen()。",
    ],
    remedy: [
        "Take the port from the command line, and judge with portlab judge -- python3 server.py {port}. Or let portlab type \
         the port: --typed '{port}\\n'.",
        "从命令行得到端口号，用 portlab judge -- python3 server.py {port} 评测；或者让 portlab 替你输入：--typed '{port}\\n'。",
    ],
    code: "import sys\nport = int(sys.argv[1])",
    look_at: &["input("],
    ..PLAIN
};

pub(super) const crashes_at_start: Bug = Bug {
    title: ["the program ends before it listens", "程序还没监听就结束了"],
    cause: [
        "An error at the start has ended the program. The last line of its stderr says which.",
        "程序启动时出了错误。错误输出的最后一行说明了是什么错误。",
    ],
    remedy: [
        "Read the last line of the error, and the line of the program that it names.",
        "先看错误信息的最后一行，再看它指出的那一行程序。",
    ],
    ..PLAIN
};

pub(super) const no_answer: Bug = Bug {
    title: ["a client gets no answer", "客户端收不到回答"],
    cause: [
        "The client connects and sends, and nothing comes back: the server doesn't call recv(), or doesn't send.",
        "客户端连上并发送了数据，却什么也没收到：服务端没有 recv()，或者没有发送。",
    ],
    remedy: [
        "After accept(), receive and send on the socket that accept() returned, not on the listening one. If the server \
         answers certain texts only, give one: --ask 'TEXT'. If the program catches errors, let it print them: traceback.print_exc().",
        "accept() 之后，要用 accept() 返回的新套接字收发数据，不要用监听套接字。如果服务端只回答某些内容，请写出一种：--ask '内容'。\
         如果程序捕获了异常，请把异常打印出来：traceback.print_exc()。",
    ],
    code: "client, addr = server.accept()\ndata = client.recv(1024)\nclient.sendall(data)",
    look_at: &[".recv(", ".accept("],
    ..PLAIN
};

pub(super) const not_http: Bug = Bug {
    title: ["the answer isn't a response of HTTP", "回答不是 HTTP 响应"],
    cause: [
        "A response begins with a status line such as HTTP/1.1 200 OK. Without it, a browser can't read the page.",
        "响应的第一行必须是状态行，例如 HTTP/1.1 200 OK。没有状态行，浏览器就不认得这个网页。",
    ],
    remedy: [
        "Send the status line, the headers and an empty line before the page; each line ends with \\r\\n.",
        "先发送状态行、响应头和一个空行，再发送网页；每一行都以 \\r\\n 结束。",
    ],
    code: "head = \"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\n\\r\\n\"\nclient.sendall(head.encode() + page)",
    look_at: &["HTTP/", ".send"],
    ..Bug::read_in("web-page")
};

pub(super) const wrong_answer: Bug = Bug {
    title: ["the answer is wrong", "回答不对"],
    cause: [
        "The same question had another answer before.",
        "同样的问题，之前得到的是另一个回答。",
    ],
    remedy: [
        "Compare both answers in the evidence, and find out which variable has changed between them.",
        "对比证据里的两个回答，看看中间哪个变量变了。",
    ],
    look_at: &[".send"],
    ..PLAIN
};

pub(super) const crashes: Bug = Bug {
    title: [
        "an error ends the service of an ordinary client",
        "服务普通的客户端时，程序出错了",
    ],
    cause: [
        "The server has met an error while it served a client that did nothing unusual. An error that isn't caught ends the \
         thread or process of the client, or the whole program. Often: send() takes bytes, not text; accept() returns two \
         values, the client's socket and its address; recv() and send() are called on the client's socket; a name is misspelt.",
        "客户端一切正常，服务端却出了错误。没有捕获的异常会结束这个客户端的线程或进程，甚至结束整个程序。常见的有：send() 要的是字节，\
         不是字符串；accept() 返回两个值：客户端的套接字和地址；收发数据要用客户端的套接字；名字拼错了。",
    ],
    remedy: [
        "Correct the line that the error names.",
        "改正错误所指的那一行。",
    ],
    code: "client, addr = server.accept()\ndata = client.recv(1024)\nclient.sendall(\"你好\".encode(\"gbk\"))",
    look_at: &[".recv(", ".accept("],
    ..PLAIN
};

pub(super) const errors_swallowed: Bug = Bug {
    title: [
        "errors are swallowed, and no client is read",
        "异常被吞掉了，没有一个客户端被读取",
    ],
    cause: [
        "On a non-blocking socket, accept() and recv() raise BlockingIOError when nothing has come. One `try` with \
         `except: pass` around both jumps over recv() each time that accept() has nothing.",
        "非阻塞套接字没有数据时，accept() 和 recv() 会抛出 BlockingIOError。把两者放在同一个 try 里再 except: pass，\
         accept() 没有新连接时就跳过了 recv()。",
    ],
    remedy: [
        "Give each call a `try` of its own, and catch BlockingIOError only.",
        "每个调用各用一个 try，而且只捕获 BlockingIOError。",
    ],
    code: "try:\n    client, addr = server.accept()\n    clients.append(client)\nexcept BlockingIOError:\n    pass\nfor client in \
           clients:\n    ...  # recv() in a try of its own",
    lesson: "event-loop",
    look_at: &["except:", "except Exception", "setblocking(False)"],
    ..PLAIN
};
