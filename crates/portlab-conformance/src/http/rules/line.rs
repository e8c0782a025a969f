//! The first line of a request, its version, and its bytes.

use super::{
    get, rules,
    want::{USUAL, Want::*},
};

rules! {
    a_get_is_answered Must "9110 9.1"
        "answers a GET of / by a response of HTTP, and not by an error" "用 HTTP 响应回答 GET /，而且不是错误"
        [get!("/")] => Status(&[200, 204, 301, 302, 303, 307, 308, 401, 403, 404]), InStep;
    a_request_may_come_in_pieces Must "9112 2.2"
        "waits for the end of a request, wherever the pieces are cut" "请求分成几段到达时，等它收完再回答"
        ["G{wait}ET{wait} /{wait} {wait}HTTP{wait}/1.1{wait}{0d}{wait}{0a}Host: {host}\n\n",
         "GET / HTTP/1.1\n{wait}Ho{wait}st{wait}:{wait} {wait}{host}{wait}{0d}{wait}{0a}{wait}{0d}{wait}{0a}"] => Status(&[USUAL]), InStep;
    an_empty_line_before_a_request_is_ignored Should "9112 2.2"
        "ignores an empty line before a request" "忽略请求前面的一个空行"
        ["\nGET / HTTP/1.1\nHost: {host}\n\n"] => Status(&[USUAL]), InStep;
    spaces_are_no_request_line Should "9112 2.2"
        "refuses a line of spaces in the place of a request" "请求行只有空格时拒绝"
        ["  \t \n\n"] => Status(&[400]), Closed;
    bytes_that_are_no_request_are_refused Should "9112 2.2"
        "answers bytes that aren't a request with 400, and closes" "收到的不是请求时，回答 400 并关闭连接"
        ["{00}{01}{02}{ff}{fe}\n\n", "{16}{03}{01}{02}{00}{01}{00}\n\n", "hello\n\n"] => Status(&[400]), Closed;
    another_version_is_refused Should "9110 15.6.6"
        "refuses a major version that it doesn't speak" "拒绝它不会的主版本"
        ["GET / HTTP/2.0\nHost: {host}\n\n", "GET / HTTP/3.0\nHost: {host}\n\n", "GET / HTTP/9.9\nHost: {host}\n\n",
         "GET / HTTP/0.9\nHost: {host}\n\n", "PRI * HTTP/2.0\n\nSM\n\n"] => Status(&[505, 400, 501]);
    a_higher_minor_version_is_served Should "9110 2.5"
        "serves a request of HTTP/1.2 as one of HTTP/1.1" "HTTP/1.2 的请求按 HTTP/1.1 处理"
        ["GET / HTTP/1.2\nHost: {host}\n\n"] => Status(&[USUAL]);
    a_malformed_version_is_refused Should "9112 2.3"
        "refuses a version that isn't HTTP/ and two digits with a point" "版本写得不对（不是 HTTP/ 加两个数字）时拒绝"
        ["GET / HTTP/1\nHost: {host}\n\n", "GET / HTTP/01.1\nHost: {host}\n\n", "GET / HTTP/1.01\nHost: {host}\n\n",
         "GET / HTTP/1,1\nHost: {host}\n\n", "GET / HTTP/1. 1\nHost: {host}\n\n", "GET / HTTP/.1\nHost: {host}\n\n",
         "GET / HTP/1.1\nHost: {host}\n\n", "GET / HTTP/1.x\nHost: {host}\n\n"] => Refused;
    the_version_is_in_upper_case Should "9112 2.3"
        "refuses http/1.1 in lower case" "拒绝小写的 http/1.1"
        ["GET / http/1.1\nHost: {host}\n\n", "GET / Http/1.1\nHost: {host}\n\n"] => Refused;
    a_request_without_version_is_refused Should "9112 3"
        "refuses a request line without a version" "请求行没有版本时拒绝"
        ["GET /\nHost: {host}\n\n", "GET / \nHost: {host}\n\n"] => Status(&[400]), Closed;
    a_request_without_target_is_refused Should "9112 3"
        "refuses a request line without a target" "请求行没有目标时拒绝"
        ["GET HTTP/1.1\nHost: {host}\n\n", "GET  HTTP/1.1\nHost: {host}\n\n"] => Status(&[400]), Closed;
    a_space_in_a_target_is_not_repaired Should "9112 3.2"
        "refuses a space in a target, and doesn't repair it" "目标里有空格时拒绝，不自行修补"
        ["GET /a b HTTP/1.1\nHost: {host}\n\n", "GET / HTTP/1.1 x HTTP/1.1\nHost: {host}\n\n"] => Status(&[400, 301]), Closed;
    one_space_separates_the_parts_of_the_line May "9112 3"
        "refuses a request line with two spaces or a tab between its parts" "请求行各部分之间不是一个空格时拒绝"
        ["GET  / HTTP/1.1\nHost: {host}\n\n", "GET /  HTTP/1.1\nHost: {host}\n\n", "GET\t/ HTTP/1.1\nHost: {host}\n\n",
         "GET /\tHTTP/1.1\nHost: {host}\n\n", " GET / HTTP/1.1\nHost: {host}\n\n"] => Status(&[400]), Closed;
    a_method_is_a_token Should "9112 3.1"
        "refuses a method with characters that no token has" "方法里有不允许的字符时拒绝"
        ["G(T / HTTP/1.1\nHost: {host}\n\n", "G{00}ET / HTTP/1.1\nHost: {host}\n\n",
         "G{e9}T / HTTP/1.1\nHost: {host}\n\n", "\"GET\" / HTTP/1.1\nHost: {host}\n\n"] => Status(&[400, 501, 405]);
    a_long_method_is_refused Should "9112 3"
        "answers a method that is longer than any it knows with 501" "方法比已知的都长时，回答 501"
        ["{A*200} / HTTP/1.1\nHost: {host}\n\n"] => Status(&[501]);
    a_line_of_8000_bytes_is_served Should "9112 3"
        "serves a request line of 8,000 bytes" "能处理 8000 字节的请求行"
        [get!("/?{a*7984}")] => Status(&[USUAL, 404]);
    a_target_that_is_too_long_gets_414 Must "9112 3"
        "answers a target that is longer than it wishes to read with 414" "目标太长时，回答 414"
        [get!("/?{a*100000}")] => Status(&[414, USUAL, 404]);
    a_head_that_is_too_large_gets_an_error_of_the_client Must "9110 5.4"
        "answers fields that are larger than it wishes to read with a status 4xx" "字段太大时，回答 4xx"
        [get!("/", "X: {a*100000}"), get!("/", "{X*100000}: a"), "GET / HTTP/1.1\nHost: {host}\n{X:y\n*20000}\n"]
        => Status(&[431, 400, 413, USUAL]);
    the_limits_have_their_own_statuses Should "6585 5"
        (Limits) "answers a head above its limit with 431" "请求头超过限制时，回答 431"
        [get!("/", "X: {a*20000}"), "GET / HTTP/1.1\nHost: {host}\n{X:y\n*4000}\n"] => Status(&[431]), Closed;
    a_long_target_gets_414_before_its_end Should "9110 15.5.15"
        (Limits) "answers a target above its limit with 414, also before its end" "目标超过限制时，不等它收完就回答 414"
        ["GET /{a*9000}", "GET /{a*9000} HTTP/1.1\nHost: {host}\n\n"] => Status(&[414]), Closed;
    a_bare_cr_ends_no_line Must "9112 2.2"
        "doesn't take a CR alone for the end of a line" "不把单独的 CR 当作行的结束"
        ["GET / HTTP/1.1{0d}Host: {host}{0d}{0d}\n\n", "GET /{0d}x HTTP/1.1\nHost: {host}\n\n"] => Refused, Closed;
    a_bare_lf_is_refused May "9112 2.2"
        "refuses a LF alone at the end of a line" "行尾只有 LF 时拒绝"
        ["GET / HTTP/1.1{0a}Host: {host}{0a}{0a}", "GET / HTTP/1.1\nHost: {host}{0a}X: y\n\n"] => Refused, Closed;
    nothing_stands_between_line_and_fields Must "9112 2.2"
        "refuses or skips a line that begins with a space before the first field" "第一个字段之前的行以空格开头时，拒绝或忽略"
        ["GET / HTTP/1.1\n Host: {host}\n\n", "GET / HTTP/1.1\n\tHost: {host}\n\n"] => Status(&[400]);
    the_highest_version_is_answered Should "9110 6.2"
        "answers a request of HTTP/1.1 by HTTP/1.1" "用 HTTP/1.1 回答 HTTP/1.1 的请求"
        [get!("/")] => Any, Holds(|all, _| all[0].head.starts_with(b"HTTP/1.1 "));
    the_status_line_has_its_form Must "9112 4"
        "sends a version, a space, three digits and a space in the first line" "第一行是版本、空格、三位数字、空格"
        [get!("/"), get!("/portlab-no-such-page-4711.html"), "GET / HTTP/1.1\n\n"]
        => Any, Holds(|all, _| {
            let line = all[0].head.split(|it| *it == b'\r').next().unwrap_or_default();
            line.starts_with(b"HTTP/1.") && line[8..].starts_with(b" ") && line.get(12) == Some(&b' ')
        });
}
