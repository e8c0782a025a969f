//! Content-Length, and the body that it measures.

use super::{
    asked, post, rules, smuggled,
    want::{USUAL, Want::*},
};

rules! {
    a_length_that_is_no_number_is_refused Must "9112 6.3"
        "answers a Content-Length that isn't digits with 400, and closes" "Content-Length 不全是数字时，回答 400 并关闭连接"
        [post!("hello"; "Content-Length: +5"), post!("hello"; "Content-Length: -5"), post!("hello"; "Content-Length: -0"),
         post!("hello"; "Content-Length: 0x5"), post!("hello"; "Content-Length: 0o5"), post!("hello"; "Content-Length: 5a"),
         post!("hello"; "Content-Length: 5 5"), post!("hello"; "Content-Length: 5.0"), post!("hello"; "Content-Length: 0_5"),
         post!("hello"; "Content-Length: abc"), post!("hello"; "Content-Length: 5;")] => Status(&[400]), Closed;
    an_empty_length_is_refused Must "9112 6.3"
        "answers an empty Content-Length with 400, and closes" "Content-Length 为空时，回答 400 并关闭连接"
        [post!("hello"; "Content-Length:"), post!("hello"; "Content-Length: ")] => Status(&[400]), Closed;
    lengths_that_differ_are_refused Must "9112 6.3"
        "answers two lengths that differ with 400, and closes" "两个 Content-Length 不同时，回答 400 并关闭连接"
        [post!("hello"; "Content-Length: 5", "Content-Length: 6"), post!("hello"; "Content-Length: 6, 5"),
         post!(smuggled!(); "Content-Length: 0", "Content-Length: 27")] => Status(&[400]), Closed;
    a_length_that_is_repeated_is_one_or_an_error Must "9110 8.6"
        "refuses the same length twice, or takes it once" "相同的 Content-Length 出现两次时，拒绝，或者只算一次"
        [post!(smuggled!(); "Content-Length: 27", "Content-Length: 27"), post!(smuggled!(); "Content-Length: 27, 27")]
        => Any, InStep;
    a_large_length_does_not_overflow Must "9110 8.6"
        "refuses a length that is larger than any number it has" "长度比它能表示的数还大时拒绝"
        [post!("hello"; "Content-Length: 18446744073709551621"), post!("hello"; "Content-Length: 4294967301000000000000000000005"),
         post!("hello"; "Content-Length: 99999999999999999999999999")] => Refused, Closed;
    zeros_before_a_length_change_nothing Must "9110 8.6"
        "reads a length with zeros before it as a decimal number, or refuses it" "长度前面有零时，仍按十进制读，或者拒绝"
        [post!(smuggled!(); "Content-Length: 0027"), post!("{a*10}"; "Content-Length: 010"), post!(""; "Content-Length: 00")]
        => Any, InStep;
    a_body_is_not_a_request Must "9112 6.3"
        "reads so many bytes of body as Content-Length says" "按 Content-Length 读完正文，不把它当作请求"
        [post!(smuggled!(); "Content-Length: 27"), post!(concat!("x", smuggled!()); "Content-Length: 28"),
         asked!("PUT", "/", smuggled!(); "Content-Length: 27"), asked!("PATCH", "/", smuggled!(); "Content-Length: 27")]
        => Taken, InStep;
    the_body_of_a_get_is_not_a_request Must "9110 9.3.1"
        "reads the body of a GET, or refuses it and closes" "读完 GET 的正文，或者拒绝并关闭连接"
        [asked!("GET", "/", smuggled!(); "Content-Length: 27"), asked!("GET", "/", "5\nhello\n0\n\n"; "Transfer-Encoding: chunked"),
         asked!("OPTIONS", "/", smuggled!(); "Content-Length: 27"), asked!("DELETE", "/", smuggled!(); "Content-Length: 27")]
        => Any, InStep;
    the_body_of_a_head_is_not_a_request Must "9110 9.3.2"
        "reads the body of a HEAD, or refuses it and closes" "读完 HEAD 的正文，或者拒绝并关闭连接"
        [asked!("HEAD", "/", smuggled!(); "Content-Length: 27")] => Head(&[USUAL, 400, 405, 413, 501]), InStep;
    half_a_request_in_a_body_stays_there Must "9112 6.3"
        "doesn't join the end of a body with the next request" "不把正文的末尾和下一个请求接在一起"
        [post!("GET /x HTTP/1.1\nX: "; "Content-Length: 20")] => Taken, InStep;
    a_length_of_zero_means_no_body Must "9112 6.2"
        "finds the next request right behind Content-Length: 0" "Content-Length: 0 后面就是下一个请求"
        [post!(""; "Content-Length: 0")] => Taken, InStep;
    without_a_length_there_is_no_body Must "9112 6.3"
        "finds the next request right behind a POST without a length" "POST 没有写长度时，后面就是下一个请求"
        [post!("")] => Any, InStep;
    white_space_around_a_length_is_ignored Must "9112 5.1"
        "ignores spaces and tabs around a length" "忽略长度前后的空格和制表符"
        [post!(smuggled!(); "Content-Length:  27\t "), post!(smuggled!(); "Content-Length:27"), post!(smuggled!(); "Content-Length:\t27")]
        => Taken, InStep;
    a_body_in_pieces_is_one_body Must "9112 6.2"
        "waits for the rest of a body" "正文分成几段到达时，等它收完"
        ["POST / HTTP/1.1\nHost: {host}\nContent-Length: 27\n\nGET / HTT{then}P/1.1\nHost: h\n\n"] => Taken, InStep;
    a_body_without_its_end_is_not_complete Must "9112 8"
        "closes the connection when a body breaks off" "正文没有发完连接就断了时，关闭连接"
        [concat!(post!("hello"; "Content-Length: 10"), "{end}")] => Ended;
    a_long_body_gets_its_answer Should "9112 9.6"
        "lets the answer arrive, also if it doesn't read a long body" "即使不读很长的正文，回答也能送到"
        [post!("{a*500000}"; "Content-Length: 500000")] => Any, InStep;
    a_body_above_the_limit_gets_413 Should "9110 15.5.14"
        (Limits) "answers a body above its limit with 413, and closes" "正文超过限制时，回答 413 并关闭连接"
        [post!(""; "Content-Length: 1048577"), post!(""; "Content-Length: 999999999999"),
         asked!("GET", "/", ""; "Content-Length: 1048577")] => Status(&[413]), Closed;
    chunks_above_the_limit_get_413 Should "9110 15.5.14"
        (Limits) "answers chunks above its limit with 413, and closes" "分块的正文超过限制时，回答 413 并关闭连接"
        [post!("100001\n{a*1048577}\n0\n\n"; "Transfer-Encoding: chunked")] => Status(&[413]), Closed;
}
