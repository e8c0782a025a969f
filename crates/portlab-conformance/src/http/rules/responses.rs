//! What every answer has.

use super::super::conn::Answer;
use super::{
    asked, get, post, rules,
    want::{USUAL, Want::*},
};

rules! {
    every_answer_has_a_date Must "9110 6.6.1"
        "sends Date with every status from 200 to 499" "状态码 200 到 499 的回答都有 Date"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), "GET / HTTP/1.1\n\n", post!(""; "Content-Length: 0"),
         "GET / HTTP/1.0\n\n", asked!("OPTIONS", "/", "";)]
        => Any, Holds(|all, _| all[0].status >= 500 || all[0].field("date").is_some());
    a_date_has_its_form Must "9110 5.6.7"
        "writes dates like Sun, 06 Nov 1994 08:49:37 GMT" "日期写成 Sun, 06 Nov 1994 08:49:37 GMT 的样子"
        [get!("/"), get!("{page}"), get!("/portlab-no-such-page-4711.html")] => Any,
        Holds(|all, _| ["date", "last-modified", "expires"].iter().all(|it| all[0].field(it).is_none_or(is_date)));
    a_date_is_now Should "9110 6.6.1"
        "sends the time of its answer in Date" "Date 是回答时的时间"
        [get!("/")] => Any, Holds(|all, _| {
            let date = all[0].field("date").and_then(|it| httpdate::parse_http_date(it).ok());
            date.is_none_or(|it| it.elapsed().unwrap_or_else(|it| it.duration()).as_secs() < 300)
        });
    a_length_and_chunks_exclude_each_other Must "9112 6.2"
        "never sends Content-Length and Transfer-Encoding together" "回答里不同时有 Content-Length 和 Transfer-Encoding"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), "GET / HTTP/1.1\n\n", get!("{page}"), asked!("OPTIONS", "/", "";)]
        => Any, Holds(|all, _| all[0].field("content-length").is_none() || all[0].field("transfer-encoding").is_none());
    a_body_says_where_it_ends Must "9112 6.3"
        "sends a length or chunks, or ends the body by closing" "用长度、分块或者关闭连接，标明正文的结束"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), get!("{page}")] => Any, InStep;
    a_length_needs_no_closing Should "9112 6.3"
        "ends no body by closing the connection" "不靠关闭连接来结束正文"
        [get!("/"), get!("{page}")] => Any, Holds(|all, _| !all[0].ends_with_connection);
    a_body_has_a_type Should "9110 8.3"
        "sends Content-Type with a body" "有正文的回答都有 Content-Type"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), get!("{page}")]
        => Any, Holds(|all, _| all[0].body.is_empty() || all[0].field("content-type").is_some());
    a_type_has_its_form Must "9110 8.3.1"
        "writes Content-Type as type/subtype and parameters" "Content-Type 写成“类型/子类型”加参数"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), get!("{page}")] => Any,
        Holds(|all, _| all[0].field("content-type").is_none_or(is_type));
    an_error_is_explained Should "9110 15.5"
        "explains an error in the body of its answer" "出错时，在正文里说明原因"
        [get!("/portlab-no-such-page-4711.html")] => Any, Holds(|all, _| all[0].status < 400 || !all[0].body.is_empty());
    a_page_that_is_missing_gets_404 Should "9110 15.5.5"
        "answers a path that it doesn't have with 404" "没有的路径，回答 404"
        [get!("/portlab-no-such-page-4711.html"), get!("/portlab-no-such-folder/")] => Status(&[404]), InStep;
    the_fields_of_an_answer_have_their_form Must "9112 5.1"
        "sends names that are tokens, and no space before a colon" "回答的字段名是合法的记号，冒号前没有空格"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), "GET / HTTP/1.1\n\n", get!("{page}")] => Any,
        Holds(|all, _| lines(&all[0]).all(|line| {
            let name = line.split(|it| *it == b':').next().unwrap_or_default();
            !name.is_empty() && name.len() < line.len()
                && name.iter().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(it))
        }));
    the_lines_of_an_answer_end_with_cr_lf Must "9112 2.2"
        "ends every line of a head with CR and LF, and sends no other CR, LF or NUL" "回答头的每一行以 CR LF 结束，别处没有 CR、LF、NUL"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), "GET / HTTP/1.1\n\n", get!("{page}")] => Any,
        Holds(|all, _| {
            let head = String::from_utf8_lossy(&all[0].head).replace("\r\n", "");
            !head.contains(['\r', '\n', '\0']) && all[0].head.ends_with(b"\r\n\r\n")
        });
    a_field_comes_once Must "9110 5.3"
        "sends a field once if it isn't a list" "不是列表的字段只出现一次"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), get!("{page}")] => Any,
        Holds(|all, _| ["date", "content-length", "content-type", "etag", "last-modified", "location", "server", "content-range"]
            .iter().all(|name| all[0].fields.iter().filter(|(it, _)| it == name).count() < 2));
    a_tag_has_its_form Must "9110 8.8.3"
        "writes ETag in quotation marks" "ETag 写在引号里"
        [get!("/"), get!("{page}")] => Any, Holds(|all, _| all[0].field("etag").is_none_or(|tag| {
            let inner = tag.trim_start_matches("W/").strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            inner.is_some_and(|it| it.bytes().all(|it| it == b'!' || (it > b'"' && it != 0x7f)))
        }));
    a_page_has_a_tag Should "9110 8.8.3"
        (Fixture) "sends a strong ETag with a file" "文件的回答有强 ETag"
        [get!("/text.txt"), get!("/data.bin"), get!("/empty.txt")]
        => Status(&[200]), Holds(|all, _| all[0].field("etag").is_some_and(|it| it.starts_with('"')));
    a_page_has_the_date_of_its_change Should "9110 8.8.2"
        (Fixture) "sends Last-Modified with a file" "文件的回答有 Last-Modified"
        [get!("/text.txt")] => Status(&[200]), Is("last-modified", "Thu, 29 Feb 2024 12:00:00 GMT");
    a_change_is_not_later_than_now Must "9110 8.8.2.1"
        (Modified) "sends no Last-Modified that is later than Date" "Last-Modified 不晚于 Date"
        [get!("{page}"), get!("/")] => Any, Holds(|all, _| {
            let [date, modified] = ["date", "last-modified"].map(|it| httpdate::parse_http_date(all[0].field(it)?).ok());
            modified.is_none() || modified <= date
        });
    a_tag_belongs_to_one_content Must "9110 8.8.1"
        (Fixture) "sends different tags with different files, and the same tag again" "不同的文件 ETag 不同，同一个文件每次相同"
        [concat!(get!("/text.txt"), "{new}", get!("/data.bin"), "{new}", get!("/text.txt"))] => Status(&[200]), Status(&[200]), Status(&[200]),
        Holds(|all, _| {
            let [text, data, again] = [0, 1, 2].map(|it| all[it].field("etag"));
            text == again && (text.is_none() || text != data)
        });
    nothing_is_sent_unasked Must "9110 15.2"
        "sends no interim response to a request that doesn't ask for one" "没有请求时，不发送 1xx"
        [get!("/"), post!("hello"; "Content-Length: 5"), "GET / HTTP/1.0\n\n"] => Any, Holds(|all, _| all[0].interim == 0);
    a_usual_answer_stays_the_same Should "9110 9.2.1"
        "answers a second GET as the first" "第二次 GET 和第一次的回答相同"
        [concat!(get!("/"), "{new}", get!("/"))] => Status(&[USUAL]), Status(&[USUAL]), Holds(|all, _| all[0].body == all[1].body);
}

/// Whether a date has the form that is sent.
fn is_date(text: &str) -> bool {
    httpdate::parse_http_date(text).is_ok_and(|it| httpdate::fmt_http_date(it) == text)
        || text == "0"
}

fn is_type(text: &str) -> bool {
    let name = text.split(';').next().unwrap_or_default();
    let is_token = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&it))
    };
    name.split_once('/')
        .is_some_and(|(kind, sub)| is_token(kind) && is_token(sub.trim_end()))
}

/// The lines of a head behind the first.
fn lines(answer: &Answer) -> impl Iterator<Item = &[u8]> {
    let lines = answer.head.split(|it| *it == b'\n').skip(1);
    lines
        .map(|it| it.strip_suffix(b"\r").unwrap_or(it))
        .filter(|it| !it.is_empty())
}
