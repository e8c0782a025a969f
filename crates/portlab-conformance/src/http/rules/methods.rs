//! Methods, and what a server allows.

use super::{
    asked, get, head, post, rules,
    want::{USUAL, Want::*},
};

rules! {
    head_has_the_status_of_get Must "9110 9.1"
        "answers HEAD with the status of GET" "HEAD 的状态码和 GET 的相同"
        [head!("/")] => Head(&[USUAL]);
    head_has_no_body Must "9110 9.3.2"
        "sends no body in an answer to HEAD" "对 HEAD 的回答没有正文"
        [head!("/"), head!("/portlab-no-such-page-4711.html")] => Head(&[USUAL, 404]), InStep;
    head_has_the_length_of_get Must "9110 8.6"
        "sends the Content-Length of GET in an answer to HEAD, or none" "HEAD 的 Content-Length 和 GET 的相同，或者没有"
        [concat!(head!("/"), "{new}", get!("/"))] => Head(&[USUAL]), Status(&[USUAL]), Holds(|all, _| {
            let length = all[0].field("content-length");
            length.is_none_or(|it| *it == all[1].body.len().to_string())
        });
    head_has_the_fields_of_get Should "9110 9.3.2"
        "sends the fields of GET in an answer to HEAD" "HEAD 的字段和 GET 的相同"
        [concat!(head!("/"), "{new}", get!("/")), concat!(head!("{page}"), "{new}", get!("{page}"))] => Head(&[USUAL, 200]), Status(&[USUAL, 200]),
        Holds(|all, _| ["content-type", "etag", "last-modified", "vary", "location", "content-encoding"]
            .iter().all(|it| all[0].field(it) == all[1].field(it)));
    a_method_is_read_as_it_is_written Should "9110 9.1"
        "doesn't take get for GET" "不把 get 当作 GET"
        ["get / HTTP/1.1\nHost: {host}\n\n", "Get / HTTP/1.1\nHost: {host}\n\n"] => Status(&[501, 405, 400]);
    an_unknown_method_gets_501 Should "9110 9.1"
        "answers a method that it doesn't know with 501" "不认识的方法，回答 501"
        [asked!("PORTLAB", "/", "";), asked!("X!", "/", "";)] => Status(&[501]);
    an_unknown_method_keeps_its_body Must "9112 6.3"
        "reads the body of a method that it doesn't know, or closes" "读完未知方法的正文，或者关闭连接"
        [asked!("PORTLAB", "/", "GET / HTTP/1.1\nHost: h\n\n"; "Content-Length: 27")] => Any, InStep;
    a_405_says_what_is_allowed Must "9110 15.5.6"
        "lists the allowed methods in an answer with 405" "回答 405 时列出允许的方法"
        [post!(""; "Content-Length: 0"), asked!("PUT", "/", ""; "Content-Length: 0"), asked!("DELETE", "/", "";),
         asked!("PATCH", "/", ""; "Content-Length: 0"), asked!("TRACE", "/", "";), asked!("OPTIONS", "/", "";)]
        => Any, Holds(|all, _| all[0].status != 405 || all[0].field("allow").is_some());
    options_says_what_is_allowed Should "9110 9.3.7"
        "lists the allowed methods in its answer to OPTIONS" "回答 OPTIONS 时列出允许的方法"
        [asked!("OPTIONS", "/", "";)] => Any, Holds(|all, _| all[0].status >= 300 || all[0].field("allow").is_some()), InStep;
    get_and_head_are_allowed Should "9110 10.2.1"
        "lists GET and HEAD wherever it lists the allowed methods" "列出允许的方法时，都有 GET 和 HEAD"
        [asked!("OPTIONS", "/", "";), post!(""; "Content-Length: 0"), asked!("OPTIONS", "*", "";)]
        => Any, Holds(|all, _| all[0].field("allow").is_none() || ["GET", "HEAD"].iter().all(|it| all[0].lists("allow", it)));
    trace_shows_no_secret Should "9110 9.3.8"
        "sends no credentials back in an answer to TRACE" "回答 TRACE 时不送回密码"
        [asked!("TRACE", "/", ""; "Authorization: Basic portlab4711", "Cookie: portlab4711")]
        => Any, Holds(|all, _| !String::from_utf8_lossy(&all[0].body).contains("portlab4711"));
    trace_has_no_body Should "9110 9.3.8"
        "refuses a TRACE with a body" "TRACE 带正文时拒绝"
        [asked!("TRACE", "/", "hello"; "Content-Length: 5")] => Refused, InStep;
    an_empty_answer_has_no_length Must "9110 8.6"
        "sends no Content-Length and no body with 204" "204 的回答没有 Content-Length，也没有正文"
        [asked!("OPTIONS", "/", "";), asked!("DELETE", "/", "";), asked!("OPTIONS", "*", "";)]
        => Any, Holds(|all, _| all[0].status != 204 || all[0].field("content-length").is_none()), InStep;
    a_file_can_not_be_changed Should "9110 15.5.6"
        (Fixture) "refuses PUT, POST, PATCH and DELETE, and leaves the file as it is" "拒绝 PUT、POST、PATCH 和 DELETE，文件不变"
        [concat!(asked!("PUT", "/text.txt", "x"; "Content-Length: 1"), "{new}", get!("/text.txt")),
         concat!(asked!("POST", "/text.txt", "x"; "Content-Length: 1"), "{new}", get!("/text.txt")),
         concat!(asked!("DELETE", "/text.txt", "";), "{new}", get!("/text.txt"))] => Status(&[405, 501, 403]), Status(&[200]), Part(0, 1024);
}
