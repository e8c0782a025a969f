//! Servers of HTTP whose responses mislead a browser.

use super::Bug;

pub(super) const no_404: Bug = Bug {
    title: [
        "a page that doesn't exist isn't answered with 404",
        "页面不存在时没有回答 404",
    ],
    cause: [
        "The status line tells the client whether the page was found. The server says 200 OK for every path, or an error \
         ends the connection without a response.",
        "浏览器靠状态行知道页面有没有找到。服务端对任何路径都说 200 OK，或者出了异常、没有回答就断开了连接。",
    ],
    remedy: [
        "If the page doesn't exist, send a response that begins with 404 Not Found.",
        "页面不存在时，发送以 404 Not Found 开头的响应。",
    ],
    code: "except OSError:\n    status, body = \"404 Not Found\", b\"not found\"",
    look_at: &["200", "open("],
    ..Bug::read_in("web-site")
};

pub(super) const dies_at_404: Bug = Bug {
    title: [
        "a page that doesn't exist ends the server",
        "请求一个不存在的页面，服务端就结束了",
    ],
    cause: [
        "open() raises FileNotFoundError if the file doesn't exist, and a dictionary raises KeyError. The error ends the \
         program for all clients.",
        "文件不存在时 open() 会抛出 FileNotFoundError，字典里没有时会抛出 KeyError。这个异常结束了整个程序，所有客户端都受影响。",
    ],
    remedy: [
        "Catch the error, and answer 404 Not Found.",
        "捕获这个异常，回答 404 Not Found。",
    ],
    code: "try:\n    with open(name, \"rb\") as file:\n        status, body = \"200 OK\", file.read()\nexcept OSError:\n    status, body \
           = \"404 Not Found\", b\"not found\"",
    look_at: &["open("],
    ..Bug::read_in("web-site")
};

pub(super) const no_content_length_no_close: Bug = Bug {
    title: [
        "the client can't know where a page ends",
        "客户端不知道页面在哪里结束",
    ],
    cause: [
        "The response has no Content-Length, and the server doesn't close the connection. A browser goes on waiting for the \
         rest of the page.",
        "响应里没有 Content-Length，服务端又不关闭连接。浏览器会一直等待页面的剩余部分。",
    ],
    remedy: [
        "Send Content-Length, or close the connection after the page.",
        "发送 Content-Length，或者发送完页面就关闭连接。",
    ],
    code: "head += f\"Content-Length: {len(body)}\\r\\n\"",
    look_at: &["Content-Type", "HTTP/1.", "send_response"],
    ..Bug::read_in("http")
};

pub(super) const content_length_in_characters: Bug = Bug {
    title: [
        "Content-Length counts characters and not bytes",
        "Content-Length 数的是字符，不是字节",
    ],
    cause: [
        "len() of a str counts characters, and a Chinese character has 2 bytes in GBK and 3 in UTF-8. The browser cuts the \
         page off at the number in Content-Length.",
        "len() 对字符串数的是字符，而一个汉字在 GBK 里是 2 个字节，在 UTF-8 里是 3 个字节。浏览器收到 Content-Length 那么多字节\
         就不再读了，页面的末尾就丢了。",
    ],
    remedy: [
        "First encode the page, then count its bytes.",
        "先把页面编码成字节，再数字节数。",
    ],
    code: "body = page.encode()\nhead += f\"Content-Length: {len(body)}\\r\\n\"",
    look_at: &["Content-Length", "len("],
    ..Bug::read_in("http")
};

pub(super) const wrong_charset: Bug = Bug {
    title: [
        "the page is not in the encoding that it declares",
        "页面的实际编码和声明的不一样",
    ],
    cause: [
        "`charset` in Content-Type or in <meta> tells the browser how to decode the page. The page was encoded otherwise, so \
         the browser shows unreadable characters.",
        "浏览器按照 Content-Type 或 <meta> 里的 charset 来解码页面。页面却是用另一种编码发送的，浏览器显示的就是乱码。",
    ],
    remedy: [
        "Declare the encoding that encode() uses, or that the file was saved in.",
        "声明的编码要和 encode() 用的编码一致；如果页面是文件，要和保存文件时的编码一致。",
    ],
    code: "head = \"Content-Type: text/html; charset=utf-8\\r\\n\"\nbody = page.encode(\"utf-8\")",
    look_at: &["charset", ".encode("],
    ..Bug::read_in("http")
};

pub(super) const answers_before_request_ends: Bug = Bug {
    title: [
        "the server answers before the request has ended",
        "请求还没收完，服务端就回答了",
    ],
    cause: [
        "One recv() is taken for the whole request. A request may arrive in several segments, and ends with an empty line \
         (and the body, if it has one). If unread bytes are left when the server closes, the client may even get a reset \
         instead of the answer.",
        "把一次 recv() 当成了整个请求。请求可能分几段到达，遇到空行才算结束（有请求体时还要收完请求体）。\
         关闭连接时如果还有没读的数据，客户端甚至可能收不到回答，只看到连接被复位。",
    ],
    remedy: [
        "Receive until the empty line has come.",
        "一直接收，直到收到空行为止。",
    ],
    code: "while b\"\\r\\n\\r\\n\" not in request:\n    data = client.recv(4096)\n    if not data:\n        break\n    request += data",
    look_at: &[".recv(", "readline("],
    ..Bug::read_in("http")
};
