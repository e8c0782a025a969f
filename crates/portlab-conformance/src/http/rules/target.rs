//! The target of a request: its forms and its characters.

use super::{
    get, rules,
    want::{USUAL, Want::*},
};

rules! {
    the_absolute_form_is_served Must "9112 3.2.2"
        "serves a target with scheme and host" "能处理带协议和主机的目标"
        ["GET http://{host}/ HTTP/1.1\nHost: {host}\n\n"] => Status(&[USUAL]), InStep;
    the_absolute_form_counts_more_than_host Must "9112 3.2.2"
        "ignores Host if the target names the host" "目标里写了主机时，不看 Host"
        ["GET http://{host}/ HTTP/1.1\nHost: other.example\n\n"] => Status(&[USUAL]);
    the_absolute_form_needs_a_host_field Must "9112 3.2"
        "answers a request without Host with 400, also if the target names the host" "目标里写了主机，但没有 Host 时，也回答 400"
        ["GET http://{host}/ HTTP/1.1\n\n"] => Status(&[400]);
    a_scheme_is_read_in_any_case Should "3986 3.1"
        "reads HTTP: as http:" "协议名不分大小写"
        ["GET HTTP://{host}/ HTTP/1.1\nHost: {host}\n\n"] => Status(&[USUAL]);
    an_empty_path_is_the_root Should "9110 4.2.3"
        "takes the empty path of a target with a host for /" "带主机的目标没有路径时，当作 /"
        ["GET http://{host} HTTP/1.1\nHost: {host}\n\n"] => Status(&[USUAL]);
    a_target_without_host_name_is_refused Must "9110 4.2.1"
        "refuses a target with a scheme and without a host" "目标有协议却没有主机时拒绝"
        ["GET http:/// HTTP/1.1\nHost: {host}\n\n", "GET http://:80/ HTTP/1.1\nHost: {host}\n\n"] => Status(&[400]);
    a_user_in_a_target_is_refused Should "9110 4.2.4"
        "refuses a user before the host of a target" "目标的主机前面写了用户名时拒绝"
        ["GET http://user@{host}/ HTTP/1.1\nHost: {host}\n\n"] => Status(&[400]);
    the_server_itself_may_be_asked_for_options Should "9112 3.2.4"
        "understands OPTIONS *" "明白 OPTIONS *"
        ["OPTIONS * HTTP/1.1\nHost: {host}\n\n"] => Status(&[200, 204, 405, 501]), InStep;
    the_asterisk_is_for_options_only Should "9112 3.2.4"
        "refuses * as the target of another method" "其他方法的目标是 * 时拒绝"
        ["GET * HTTP/1.1\nHost: {host}\n\n", "POST * HTTP/1.1\nHost: {host}\nContent-Length: 0\n\n"] => Refused;
    the_authority_form_is_for_connect_only Should "9112 3.2.3"
        "refuses a host with a port as the target of GET" "GET 的目标是“主机:端口”时拒绝"
        ["GET {host} HTTP/1.1\nHost: {host}\n\n", "GET example.com:80 HTTP/1.1\nHost: {host}\n\n"] => Refused;
    connect_opens_no_tunnel Should "9110 9.3.6"
        "refuses CONNECT, which is for proxies" "不是代理，所以拒绝 CONNECT"
        ["CONNECT {host} HTTP/1.1\nHost: {host}\n\n", "CONNECT example.com:443 HTTP/1.1\nHost: example.com:443\n\n"]
        => Status(&[400, 403, 404, 405, 501]);
    a_target_begins_with_a_slash Should "9112 3.2.1"
        "refuses a path without the slash before it" "路径不以 / 开头时拒绝"
        ["GET index.html HTTP/1.1\nHost: {host}\n\n", "GET ?x HTTP/1.1\nHost: {host}\n\n"] => Status(&[400, 301]);
    a_fragment_is_never_sent Should "9112 3.2"
        "refuses a # in a target" "目标里有 # 时拒绝"
        [get!("/#top"), get!("/?x#y")] => Status(&[400, 301]);
    characters_outside_a_uri_are_refused Should "9112 3.2"
        "refuses bytes in a target that no URI has" "目标里有 URI 不允许的字节时拒绝"
        [get!("/{e4}{bd}{a0}"), get!("/\\"), get!("/\"x\""), get!("/<x>"), get!("/{7f}")]
        => Status(&[400, 301]);
    a_nul_in_a_target_is_refused Should "9112 3.2"
        "refuses a NUL in a target" "目标里有 NUL 时拒绝"
        [get!("/{00}"), get!("/x{00}.html")] => Status(&[400]);
    a_malformed_encoding_is_refused Should "3986 2.1"
        "refuses a % without two hexadecimal digits" "% 后面不是两个十六进制数字时拒绝"
        [get!("/%"), get!("/%4"), get!("/%zz"), get!("/%4x"), get!("/%%41")] => Status(&[400]);
    an_encoded_nul_finds_nothing Must "3986 7.3"
        "finds no page for %00" "%00 找不到任何页面"
        [get!("/%00"), get!("/index.html%00.txt"), get!("/%00/")] => Status(&[400, 404]);
    an_encoded_line_end_makes_no_field Must "9110 5.5"
        "sends no line end from a target in a field" "不把目标里的换行原样写进字段"
        [get!("/%0d%0aX-Smuggled:%20yes"), get!("/x%0d%0aX-Smuggled:%20yes/..")] => Any, Lacks("x-smuggled"), InStep;
    no_path_leads_out_of_the_root Must "9110 17.3"
        "sends no file from above its folder" "不发送自己文件夹以外的文件"
        [get!("/../../../../../../../../etc/passwd"), get!("/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"),
         get!("/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd"), get!("//etc/passwd"), get!("/%2fetc%2fpasswd"),
         get!("/x/../../../../../../../../../etc/passwd"), get!("/..%5c..%5c..%5cetc%5cpasswd"),
         get!("/%252e%252e/%252e%252e/%252e%252e/%252e%252e/etc/passwd"), get!("/.../...//.../etc/passwd"),
         "GET file:///etc/passwd HTTP/1.1\nHost: {host}\n\n", "GET http://{host}/../../../etc/passwd HTTP/1.1\nHost: {host}\n\n"]
        => Any, Holds(|all, _| !String::from_utf8_lossy(&all[0].body).contains("root:x:0:")), InStep;
    an_overlong_slash_is_no_slash Must "3629 3"
        "doesn't read bytes that aren't UTF-8 as . or /" "不把非法的 UTF-8 字节读成 . 或 /"
        [get!("/..%c0%af..%c0%af..%c0%afetc%c0%afpasswd"), get!("/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd")]
        => Status(&[400, 403, 404]);
}
