//! Transfer-Encoding, and requests that two servers may understand in two ways (request smuggling).

use super::{asked, post, rules, smuggled, want::Want::*};

rules! {
    a_length_beside_chunks_ends_the_connection Must "9112 6.1"
        "closes after a request with Content-Length and Transfer-Encoding" "同时有 Content-Length 和 Transfer-Encoding 时，回答后关闭连接"
        [post!("0\n\n"; "Content-Length: 5", "Transfer-Encoding: chunked"),
         post!("0\n\n"; "Transfer-Encoding: chunked", "Content-Length: 5"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 32", "Transfer-Encoding: chunked"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 6", "Transfer-Encoding: chunked"),
         post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Content-Length: 4", "Transfer-Encoding: chunked"),
         post!("0\n\nX"; "Content-Length: 6", "Transfer-Encoding: Chunked"),
         post!("0\n\n"; "Content-Length: +5", "Transfer-Encoding: chunked"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 32x", "Transfer-Encoding: chunked"),
         post!("0\n\n"; "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: keep-alive")] => Any, Closed;
    a_length_beside_chunks_is_an_error Should "9112 6.3"
        "refuses a request with Content-Length and Transfer-Encoding" "同时有 Content-Length 和 Transfer-Encoding 时拒绝"
        [post!("0\n\n"; "Content-Length: 5", "Transfer-Encoding: chunked"),
         post!("0\n\n"; "Transfer-Encoding: chunked", "Content-Length: 5")] => Status(&[400]);
    an_embedded_request_is_not_served Must "9112 6.1"
        "doesn't answer a request that stands in an ambiguous body" "不回答藏在有歧义的正文里的请求"
        [post!(concat!("0\n\n", smuggled!()); "Content-Length: 32", "Transfer-Encoding: xchunked"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 32", "Transfer-Encoding: chunked \t"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 32", "Transfer-Encoding: , chunked"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 32", "Transfer-Encoding:\n chunked"),
         post!(concat!("0\n\n", smuggled!()); "Content-Length: 32", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
         post!("0\n\nHEAD / HTTP/1.1\nHost: h\n\n"; "Content-Length: 33", "Transfer-Encoding: chunked")] => Any, Closed;
    an_old_request_has_no_chunks Must "9112 6.1"
        "closes after a request of HTTP/1.0 with Transfer-Encoding" "HTTP/1.0 的请求带 Transfer-Encoding 时，回答后关闭连接"
        ["POST / HTTP/1.0\nHost: {host}\nConnection: keep-alive\nTransfer-Encoding: chunked\n\n0\n\n",
         "POST / HTTP/1.0\nHost: {host}\nConnection: keep-alive\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n"]
        => Any, Closed;
    chunked_is_the_last_coding Must "9112 6.3"
        "answers a Transfer-Encoding that doesn't end with chunked with 400, and closes" "Transfer-Encoding 不以 chunked 结尾时，回答 400 并关闭连接"
        [post!("hello"; "Transfer-Encoding: gzip"), post!("0\n\n"; "Transfer-Encoding: chunked, gzip"),
         post!("0\n\n"; "Transfer-Encoding: chunked", "Transfer-Encoding: gzip"),
         post!("hello"; "Transfer-Encoding: identity"), post!("0\n\n"; "Transfer-Encoding: chunked, identity")]
        => Status(&[400, 501]), Closed;
    an_unknown_coding_gets_501 Should "9112 6.1"
        "answers a Transfer-Encoding that it doesn't know with 501" "Transfer-Encoding 不认识时，回答 501"
        [post!("0\n\n"; "Transfer-Encoding: portlab, chunked"), post!("0\n\n"; "Transfer-Encoding: xchunked")] => Status(&[501]);
    an_unknown_coding_ends_the_connection Must "9112 6.3"
        "refuses a Transfer-Encoding that it doesn't know, and closes" "Transfer-Encoding 不认识时，拒绝并关闭连接"
        [post!("0\n\n"; "Transfer-Encoding: portlab, chunked"), post!("0\n\n"; "Transfer-Encoding: xchunked"),
         asked!("GET", "/", "0\n\n"; "Transfer-Encoding: portlab")] => Status(&[400, 501]), Closed;
    chunks_are_not_chunked_again Should "9112 6.1"
        "refuses chunked twice" "chunked 出现两次时拒绝"
        [post!("0\n\n"; "Transfer-Encoding: chunked, chunked"), post!("0\n\n"; "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")]
        => Status(&[400, 501]), Closed;
    a_malformed_coding_is_refused Must "9112 6.3"
        "refuses a Transfer-Encoding that isn't a list of names, and closes" "Transfer-Encoding 写得不对时，拒绝并关闭连接"
        [post!("0\n\n"; "Transfer-Encoding: {0b}chunked"), post!("0\n\n"; "Transfer-Encoding: chunked{0c}"),
         post!("0\n\n"; "Transfer-Encoding: chunked{00}"), post!("0\n\n"; "Transfer-Encoding: \"chunked\""),
         post!("0\n\n"; "Transfer-Encoding: chun ked"), post!("0\n\n"; "Transfer-Encoding: chunked foo"),
         post!("0\n\n"; "Transfer-Encoding: [chunked]"), post!("0\n\n"; "Transfer-Encoding: chunked{ff}")] => Status(&[400, 501]), Closed;
    an_empty_coding_is_refused Must "9112 6.1"
        "refuses an empty Transfer-Encoding, and closes" "Transfer-Encoding 为空时，拒绝并关闭连接"
        [post!("hello"; "Transfer-Encoding:", "Content-Length: 5"), post!("hello"; "Transfer-Encoding: ,")] => Status(&[400, 501]), Closed;
    chunked_has_no_parameters Should "9112 7"
        "refuses chunked with a parameter" "chunked 带参数时拒绝"
        [post!("0\n\n"; "Transfer-Encoding: chunked;a=b"), post!("0\n\n"; "Transfer-Encoding: chunked; q=1")] => Status(&[400, 501]), Closed;
    a_coding_is_read_in_any_case Must "9112 7"
        "reads chunked in upper and in lower case" "chunked 不分大小写"
        [post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Transfer-Encoding: Chunked"),
         post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "TRANSFER-ENCODING: CHUNKED")] => Taken, InStep;
    white_space_around_a_coding_is_ignored Must "9112 5.1"
        "ignores spaces and tabs around a coding" "忽略编码名前后的空格和制表符"
        [post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Transfer-Encoding:\tchunked"),
         post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Transfer-Encoding: chunked \t")] => Taken, InStep;
    empty_items_beside_a_coding_are_ignored Must "9110 5.6.1.2"
        "ignores the empty items of a list of codings" "忽略编码列表中的空项"
        [post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Transfer-Encoding: , chunked"),
         post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Transfer-Encoding: chunked,,")] => Taken, InStep;
}
