//! Content codings: a file and its compressed neighbours.

use super::{get, head, rules, want::Want::*};

rules! {
    without_a_wish_a_file_is_sent_as_it_is May "9110 12.5.3"
        (Fixture) "sends no coding to a client that doesn't ask for one" "客户端没有要求时，不发送压缩的内容"
        [get!("/app.js")] => Status(&[200]), Lacks("content-encoding"), Body("// app.js\n");
    an_accepted_coding_is_sent May "9110 12.5.3"
        (Fixture) "sends the coding that a client accepts" "发送客户端接受的压缩格式"
        [get!("/app.js", "Accept-Encoding: gzip"), get!("/app.js", "Accept-Encoding: GZIP"), get!("/app.js", "Accept-Encoding: deflate, gzip;q=0.5")]
        => Status(&[200]), Is("content-encoding", "gzip"), Body("gz of app.js\n");
    another_coding_is_sent_too May "9110 12.5.3"
        (Fixture) "sends Brotli to a client that accepts it" "客户端接受 br 时，发送 br"
        [get!("/app.js", "Accept-Encoding: br"), get!("/app.js", "Accept-Encoding: gzip;q=0, br")]
        => Status(&[200]), Is("content-encoding", "br"), Body("br of app.js\n");
    only_an_accepted_coding_is_sent Must "9110 12.5.3"
        (Fixture) "sends no coding with q=0" "不发送 q=0 的压缩格式"
        [get!("/app.js", "Accept-Encoding: gzip;q=0, br;q=0"), get!("/app.js", "Accept-Encoding: gzip;q=0.000, br ; q=0"),
         get!("/app.js", "Accept-Encoding: *;q=0, identity"), get!("/app.js", "Accept-Encoding: identity;q=1, *;q=0")]
        => Status(&[200]), Lacks("content-encoding"), Body("// app.js\n");
    an_empty_list_accepts_no_coding Should "9110 12.5.3"
        (Fixture) "sends no coding for an empty Accept-Encoding" "Accept-Encoding 为空时，不压缩"
        [get!("/app.js", "Accept-Encoding:"), get!("/app.js", "Accept-Encoding: ")] => Status(&[200]), Lacks("content-encoding");
    an_unknown_coding_is_not_sent Must "9110 8.4.1"
        (Fixture) "sends the file as it is to a client that accepts unknown codings only" "客户端只接受不认识的格式时，原样发送"
        [get!("/app.js", "Accept-Encoding: portlab"), get!("/app.js", "Accept-Encoding: gzipx, xbr")] => Status(&[200]), Lacks("content-encoding");
    the_preferred_coding_is_sent May "9110 12.4.2"
        (Fixture) "sends the coding with the highest q" "发送 q 最高的格式"
        [get!("/app.js", "Accept-Encoding: br;q=0.1, gzip;q=0.9"), get!("/app.js", "Accept-Encoding: gzip, br;q=0.999"),
         get!("/app.js", "Accept-Encoding: br;q=0.5", "Accept-Encoding: gzip;q=0.8")] => Status(&[200]), Is("content-encoding", "gzip");
    the_asterisk_accepts_every_coding May "9110 12.5.3"
        (Fixture) "understands * in Accept-Encoding" "明白 Accept-Encoding 里的 *"
        [get!("/app.js", "Accept-Encoding: br;q=0, *")] => Status(&[200]), Is("content-encoding", "gzip");
    a_coding_does_not_change_the_type Should "9110 8.4"
        (Fixture) "sends the type of the file, not of its coding" "Content-Type 是文件的类型，不是压缩格式的类型"
        [get!("/app.js", "Accept-Encoding: gzip"), get!("/app.js", "Accept-Encoding: br"), get!("/app.js")]
        => Status(&[200]), Holds(|all, _| all[0].field("content-type").is_some_and(|it| it.contains("javascript")));
    a_choice_is_named_in_vary May "9110 12.5.5"
        (Fixture) "sends Vary: Accept-Encoding wherever there is a choice" "有几种格式可选时，写明 Vary: Accept-Encoding"
        [get!("/app.js"), get!("/app.js", "Accept-Encoding: gzip"), get!("/app.js", "Accept-Encoding: br"), get!("/app.js", "If-None-Match: *")]
        => Status(&[200, 304]), Holds(|all, _| all[0].lists("vary", "accept-encoding"));
    each_coding_has_its_own_tag Must "9110 8.8.3.3"
        (Fixture) "sends different strong tags with different codings" "不同的压缩格式，强 ETag 不同"
        [concat!(get!("/app.js"), "{new}", get!("/app.js", "Accept-Encoding: gzip"), "{new}", get!("/app.js", "Accept-Encoding: br"))]
        => Status(&[200]), Status(&[200]), Status(&[200]), Holds(|all, _| {
            let [a, b, c] = [0, 1, 2].map(|it| ["content-encoding", "etag"].map(|name| all[it].field(name)));
            [(a, b), (b, c), (a, c)].iter().all(|(a, b)| a[0] == b[0] || a[1] != b[1])
        });
    head_has_the_coding_of_get May "9110 9.3.2"
        (Fixture) "sends the coding's fields in an answer to HEAD" "HEAD 也写明压缩格式"
        [head!("/app.js", "Accept-Encoding: gzip")] => Head(&[200]), Is("content-encoding", "gzip"), InStep;
    parts_are_parts_of_the_coding Must "9110 14.2"
        (Fixture) "counts the bytes of a part in the coding that is sent" "部分的字节按所发送的格式计数"
        [get!("/app.js", "Accept-Encoding: gzip", "Range: bytes=0-1")] => Status(&[206, 200]),
        Holds(|all, _| (all[0].status == 200) || (all[0].body == b"gz" && all[0].lists("content-encoding", "gzip")) || all[0].body == b"//");
    a_malformed_quality_harms_nothing Should "9110 12.4.2"
        (Fixture) "serves requests with an Accept-Encoding that it can't read" "Accept-Encoding 写错时，照常回答"
        [get!("/app.js", "Accept-Encoding: gzip;q=banana"), get!("/app.js", "Accept-Encoding: ;;,q"), get!("/app.js", "Accept-Encoding: gzip;q=-1")]
        => Status(&[200, 400, 406]), InStep;
}
