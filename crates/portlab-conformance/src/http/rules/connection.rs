//! Connections that go on or end, pipelined requests, and Expect.

use super::{
    asked, get, post, rules,
    want::{USUAL, Want::*},
};

rules! {
    a_connection_goes_on Should "9112 9.3"
        "keeps the connection open after its answer" "回答以后，连接仍然打开"
        [get!("/"), get!("/", "Connection: keep-alive")] => Status(&[USUAL]), Open;
    an_unknown_option_of_a_connection_is_ignored Should "9110 7.6.1"
        "ignores options in Connection that it doesn't know" "忽略 Connection 里不认识的选项"
        [get!("/", "Connection: x-portlab"), get!("/", "Connection: te", "TE: trailers")] => Status(&[USUAL]), Open;
    close_ends_the_connection Must "9112 9.6"
        "closes after the answer to a request with Connection: close" "请求带 Connection: close 时，回答后关闭连接"
        [get!("/", "Connection: close"), get!("/", "Connection: Close"), get!("/", "Connection: x, close"),
         get!("/portlab-no-such-page-4711.html", "Connection: close")] => Any, Closed;
    close_is_announced Should "9112 9.6"
        "says close in its last answer" "最后一个回答里写明 close"
        [get!("/", "Connection: close")] => Any, Holds(|all, _| all[0].lists("connection", "close"));
    nothing_behind_close_is_served Must "9112 9.6"
        "serves no request behind one with Connection: close" "Connection: close 之后的请求不再处理"
        [concat!(get!("/", "Connection: close"), get!("/"), get!("/"))] => Status(&[USUAL]), Closed;
    an_old_connection_ends Must "9112 9.3"
        "closes after the answer to a request of HTTP/1.0" "回答 HTTP/1.0 的请求以后关闭连接"
        ["GET / HTTP/1.0\nHost: {host}\n\n"] => Status(&[USUAL]), Closed;
    an_old_connection_may_go_on May "9112 C.2.2"
        "says keep-alive if it keeps a connection of HTTP/1.0 open, or else closes" "保留 HTTP/1.0 的连接时写明 keep-alive，否则关闭"
        ["GET / HTTP/1.0\nHost: {host}\nConnection: keep-alive\n\n"] => Status(&[USUAL]), InStep,
        Holds(|all, _| all.len() == 1 || all[0].lists("connection", "keep-alive"));
    an_old_answer_has_no_chunks Must "9112 6.1"
        "sends no chunks to a client of HTTP/1.0" "不向 HTTP/1.0 的客户端分块发送"
        ["GET / HTTP/1.0\nHost: {host}\n\n"] => Any, Lacks("transfer-encoding");
    an_error_ends_the_connection Should "9112 2.2"
        "closes after a request that it couldn't read, and serves nothing behind it" "遇到读不懂的请求，回答后关闭，不处理后面的请求"
        [concat!("GET / HTTP/1.1\nno colon\n\n", get!("/"))] => Status(&[400]), Closed;
    pipelined_requests_are_answered_in_order Must "9112 9.3.2"
        (Open) "answers requests in the order in which they came" "按请求到达的顺序回答"
        [concat!(get!("/"), get!("/portlab-no-such-page-4711.html"), get!("/"), get!("/portlab-no-such-page-4711.html"))]
        => Status(&[USUAL]), Status(&[404]), Status(&[USUAL]), Status(&[404]), InStep;
    many_requests_may_come_at_once Must "9112 9.3.2"
        (Open) "answers all of many requests that came at once" "一次收到许多请求时，全部回答"
        [concat!(get!("/"), get!("/"), get!("/"), get!("/"), get!("/"), get!("/"), get!("/"), get!("/"), get!("/"), get!("/"))]
        => Status(&[USUAL]), Status(&[USUAL]), Status(&[USUAL]), Status(&[USUAL]), Status(&[USUAL]),
           Status(&[USUAL]), Status(&[USUAL]), Status(&[USUAL]), Status(&[USUAL]), Status(&[USUAL]), InStep;
    requests_may_be_cut_anywhere Must "9112 9.3.2"
        (Open) "finds a second request of which a part came with the first" "第二个请求的一部分和第一个一起到达时，也能处理"
        ["GET / HTTP/1.1\nHost: {host}\n\nGET / HT{then}TP/1.1\nHost: {host}\n\n",
         "GET / HTTP/1.1\nHost: {host}\n\n{0d}{then}{0a}GET / HTTP/1.1\nHost: {host}\n\n"]
        => Status(&[USUAL]), Status(&[USUAL]), InStep;
    a_half_closed_client_gets_its_answer May "9112 9.6"
        "answers a client that has sent its FIN" "客户端发完请求就半关闭时，也回答"
        [concat!(get!("/"), "{end}")] => Status(&[USUAL]);
    a_client_that_expects_100_gets_an_answer Must "9110 10.1.1"
        "answers Expect: 100-continue by 100 or by a final status, before the body" "对 Expect: 100-continue，在收正文之前就回答 100 或最终状态"
        [post!("{continue}hello"; "Content-Length: 5", "Expect: 100-continue"),
         post!("{continue}5\nhello\n0\n\n"; "Transfer-Encoding: chunked", "Expect: 100-Continue")] => Taken;
    an_expected_body_is_not_a_request Must "9110 10.1.1"
        "reads a body that came without waiting for 100" "客户端没有等 100 就发来正文时，也把它读完"
        [post!("GET / HTTP/1.1\nHost: h\n\n"; "Content-Length: 27", "Expect: 100-continue")] => Taken, InStep;
    an_expectation_without_a_body_changes_nothing Must "9110 10.1.1"
        "gives a request without a body its final answer, also if it expects 100" "没有正文的请求带 Expect 时，照常回答"
        [get!("/", "Expect: 100-continue")] => Status(&[USUAL]), InStep;
    an_old_expectation_is_ignored Must "9110 10.1.1"
        "ignores Expect: 100-continue in a request of HTTP/1.0" "忽略 HTTP/1.0 请求里的 Expect"
        ["POST / HTTP/1.0\nHost: {host}\nContent-Length: 5\nExpect: 100-continue\n\nhello"]
        => Any, Holds(|all, _| all[0].interim == 0 && all[0].status != 417);
    an_unknown_expectation_gets_417 May "9110 10.1.1"
        "answers an expectation that it doesn't know with 417" "不认识的 Expect，回答 417"
        [get!("/", "Expect: portlab"), asked!("GET", "/", ""; "Expect: 100-continue, portlab")] => Status(&[417]);
}
