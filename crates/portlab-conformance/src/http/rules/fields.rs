//! The form of the fields of a request.

use super::{
    get, post, rules, smuggled,
    want::{USUAL, Want::*},
};

rules! {
    no_space_stands_before_a_colon Must "9112 5.1"
        "answers a space before the colon of a field with 400" "字段名和冒号之间有空格时，回答 400"
        [get!("/", "X : y"), get!("/", "X\t: y"), post!("hello"; "Content-Length : 5"),
         post!("0\n\n"; "Transfer-Encoding : chunked"), "GET / HTTP/1.1\nHost : {host}\n\n"] => Status(&[400]);
    a_folded_line_is_refused_or_joined Must "9112 5.2"
        "refuses a folded field, or joins its lines" "字段折成几行时，拒绝，或者接成一行"
        [get!("/", "X: a\n b"), get!("/", "X: a\n\tb"), "OPTIONS / HTTP/1.1\nHost: {host}\nX: a\n b\n\n"]
        => Status(&[400, USUAL, 200, 204, 405, 501]), InStep;
    a_folded_coding_is_refused_or_read Must "9112 5.2"
        "doesn't overlook a Transfer-Encoding that is folded" "不漏掉折行的 Transfer-Encoding"
        [post!(concat!("1b\n", smuggled!(), "\n0\n\n"); "Transfer-Encoding:\n chunked")] => Any, InStep;
    a_folded_line_gets_400 May "9112 5.2"
        "refuses a folded field" "字段折成几行时拒绝"
        [get!("/", "X: a\n b"), get!("/", "X:\n b")] => Status(&[400]);
    a_nul_in_a_value_is_refused Must "9110 5.5"
        "refuses a NUL in a field, or replaces it by a space" "字段里有 NUL 时，拒绝，或者换成空格"
        [get!("/", "X: a{00}b"), get!("/", "X: {00}")] => Status(&[400, USUAL]), InStep;
    a_nul_ends_no_value Must "9110 5.5"
        "doesn't read a value up to a NUL only" "不把 NUL 当作值的结束"
        [post!("hello"; "Content-Length: 5{00}0"), "GET / HTTP/1.1\nHost: localhost{00}.example\n\n"] => Refused, Closed;
    a_bare_cr_in_a_value_ends_no_line Must "9112 2.2"
        "refuses a CR alone in a field, or replaces it by a space" "字段里有单独的 CR 时，拒绝，或者换成空格"
        [get!("/", "X: a{0d}Content-Length: 100"), get!("/", "X: a{0d}b")] => Status(&[400, USUAL]), InStep;
    a_name_is_not_empty Should "9112 5"
        "refuses a field without a name" "字段没有名字时拒绝"
        [get!("/", ": y"), get!("/", ":")] => Status(&[400]);
    a_name_is_a_token Should "9112 5"
        "refuses a name with characters that no token has" "字段名里有不允许的字符时拒绝"
        [get!("/", "X[]: y"), get!("/", "X(: y"), get!("/", "X Y: z"), get!("/", "X\tY: z"), get!("/", "X{00}: y"),
         get!("/", "{e4}{bd}: y"), get!("/", "X\"Y: z")] => Status(&[400]);
    a_field_has_a_colon Should "9112 5"
        "refuses a line without a colon" "字段行没有冒号时拒绝"
        [get!("/", "X"), get!("/", "X y")] => Status(&[400]);
    controls_in_a_value_are_refused May "9110 5.5"
        "refuses control characters in a field" "字段里有控制字符时拒绝"
        [get!("/", "X: a{01}b"), get!("/", "X: a{07}b"), get!("/", "X: a{7f}b"), get!("/", "X: a{1b}[2J")] => Status(&[400]);
    a_name_is_read_in_any_case Must "9110 5.1"
        "reads the names of fields in upper and in lower case" "字段名不分大小写"
        ["GET / HTTP/1.1\nhOST: {host}\ncONNECTION: close\n\n"] => Status(&[USUAL]), Closed;
    a_value_may_be_empty Must "9110 5.5"
        "serves a request with an empty field" "字段的值可以为空"
        [get!("/", "X:"), get!("/", "X: "), get!("/", "X:\t")] => Status(&[USUAL]), InStep;
    white_space_around_a_value_is_ignored Must "9112 5.1"
        "ignores spaces and tabs around a value" "忽略值前后的空格和制表符"
        ["GET / HTTP/1.1\nHost:{host}\n\n", "GET / HTTP/1.1\nHost:\t {host} \t\n\n", get!("/", "X:   y\t ")]
        => Status(&[USUAL]), InStep;
    bytes_above_ascii_are_opaque Should "9110 5.5"
        "serves a request with bytes above 7f in a value" "值里可以有 ASCII 以外的字节"
        [get!("/", "X: {e4}{bd}{a0}"), get!("/", "X: {80}{ff}")] => Status(&[USUAL]), InStep;
    an_unknown_field_is_ignored Should "9110 5.1"
        "ignores fields that it doesn't know" "忽略不认识的字段"
        [get!("/", "X-Portlab: 1", "Frobnicate: \"a, b\"", "!#$%&'*+-.^_`|~: x")] => Status(&[USUAL]), InStep;
    the_order_of_fields_does_not_matter Must "9110 5.3"
        "finds Host behind other fields" "Host 可以写在别的字段后面"
        ["GET / HTTP/1.1\nAccept: */*\nX: y\nConnection: close\nHost: {host}\n\n"] => Status(&[USUAL]), Closed;
    fields_of_one_name_are_one_list Must "9110 5.3"
        "reads two Connection fields as one list" "把两个 Connection 当作一个列表"
        [get!("/", "Connection: keep-alive", "Connection: close"), get!("/", "Connection: close", "Connection: x")]
        => Status(&[USUAL]), Closed;
    empty_items_of_a_list_are_ignored Must "9110 5.6.1.2"
        "ignores the empty items of a list" "忽略列表中的空项"
        [get!("/", "Connection: , close ,,"), get!("/", "Connection: x,,close")] => Status(&[USUAL]), Closed;
    an_underscore_is_no_dash Must "9110 5.1"
        "doesn't take Content_Length or Transfer_Encoding for the fields with a dash" "不把 Content_Length、Transfer_Encoding 当作带连字符的字段"
        [get!("/", "Content_Length: 100"), get!("/", "Transfer_Encoding: chunked")] => Status(&[400, USUAL]), InStep;
    an_unknown_protocol_is_not_switched_to Must "9110 7.8"
        "ignores an Upgrade to a protocol that it doesn't speak" "Upgrade 到不会的协议时，忽略"
        [get!("/", "Connection: upgrade", "Upgrade: portlab/1"), get!("/", "Connection: upgrade, http2-settings", "Upgrade: portlab", "HTTP2-Settings: AAMAAABk")]
        => Status(&[USUAL]), Holds(|all, _| all[0].interim == 0), InStep;
    an_upgrade_needs_its_fields Must "9110 7.8"
        "switches to no protocol without its option in Connection, or in a version that it doesn't speak" "Connection 里没有 upgrade，或版本不会时，不切换协议"
        [get!("/", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"),
         get!("/", "Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 99")]
        => Status(&[USUAL, 400, 426]), Holds(|all, _| all[0].interim == 0);
    an_old_request_upgrades_nothing Must "9110 7.8"
        "ignores Upgrade in a request of HTTP/1.0" "忽略 HTTP/1.0 请求里的 Upgrade"
        ["GET / HTTP/1.0\nHost: {host}\nConnection: upgrade\nUpgrade: websocket\n\n"]
        => Status(&[USUAL]), Holds(|all, _| all[0].interim == 0);
}
