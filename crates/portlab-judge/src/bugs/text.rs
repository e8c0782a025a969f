//! Servers that mistake bytes for text.

use super::Bug;

pub(super) const dies_at_non_text: Bug = Bug {
    title: [
        "bytes that are not text end the service",
        "收到不是文字的字节，服务就中断了",
    ],
    cause: [
        "decode() raises UnicodeDecodeError when the bytes are not text in its encoding. A client may send any bytes, and \
         this error ends the program, or the thread of the client.",
        "字节不符合编码时，decode() 会抛出 UnicodeDecodeError。客户端可以发送任何字节，这个异常会结束整个程序，或者结束这个客户端的线程。",
    ],
    remedy: [
        "Let decode() replace what isn't text, or catch the error and close this client only.",
        "让 decode() 把不是文字的字节替换掉；或者捕获异常，只关闭这一个客户端。",
    ],
    code: "text = data.decode(\"{encoding}\", errors=\"replace\")",
    look_at: &[".decode("],
    ..Bug::read_in("encodings")
};

pub(super) const splits_character: Bug = Bug {
    title: [
        "a character that arrives in two pieces is broken",
        "一个汉字分两次到达，就变成了乱码",
    ],
    cause: [
        "A Chinese character has 2 bytes in GBK and 3 in UTF-8. recv() returns what has arrived, which may end inside a \
         character, and decode() can't read half of one.",
        "一个汉字在 GBK 里是 2 个字节，在 UTF-8 里是 3 个字节。recv() 返回的是已经到达的数据，可能正好断在一个汉字中间，\
         而 decode() 读不了半个汉字。",
    ],
    remedy: [
        "Make one incremental decoder per client: it keeps half a character until the rest comes.",
        "每个客户端用一个增量解码器：它会保留半个汉字，等剩下的字节到了再一起解码。",
    ],
    code: "decoder = codecs.getincrementaldecoder(\"{encoding}\")()\ntext = decoder.decode(client.recv(1024))",
    look_at: &[".decode(", ".recv("],
    ..Bug::read_in("bytes")
};

pub(super) const gbk_answered_as_utf8: Bug = Bug {
    title: [
        "a question in GBK is answered in UTF-8",
        "客户端用 GBK 提问，服务端却用 UTF-8 回答",
    ],
    cause: [
        "The server decodes with one encoding and encodes with another. The client sees unreadable characters: 你好 \
         becomes 浣犲ソ.",
        "服务端解码用一种编码，编码回答却用另一种。客户端看到的就是乱码：“你好”变成“浣犲ソ”。",
    ],
    remedy: [
        "Encode with the encoding of decode(). encode() without an argument is UTF-8.",
        "用和 decode() 相同的编码。encode() 不写参数时是 UTF-8。",
    ],
    code: "client.sendall(text.encode(\"gbk\"))",
    look_at: &[".encode()", ".encode(\"utf", ".encode('utf", ".encode("],
    ..Bug::read_in("encodings")
};
