//! Parts of a page.

use super::super::{conn::Answer, known::Known};
use super::{asked, get, head, rules, want::Want::*};

rules! {
    a_part_is_sent Must "9110 14.2"
        (Ranges) "sends the bytes that Range asks for" "发送 Range 要的那些字节"
        [get!("{page}", "Range: bytes=0-4"), get!("{page}", "Range: Bytes=0-4"), get!("{page}", "range:bytes=0-4 ")]
        => Status(&[206]), Part(0, 5), Holds(|all, known| is_of(all, known, 0, 4)), InStep;
    a_part_says_where_it_stands Must "9110 15.3.7.1"
        (Ranges) "sends Content-Range with a part" "发送一部分时写明 Content-Range"
        [get!("{page}", "Range: bytes=5-9")] => Status(&[206]), Holds(|all, known| is_of(all, known, 5, 9)), Part(5, 10);
    a_part_may_be_one_byte Must "9110 14.1.2"
        (Ranges) "counts bytes from 0, and sends the last one too" "字节从 0 数起，末尾的那个也发送"
        [get!("{page}", "Range: bytes=1-1")] => Status(&[206]), Part(1, 2), Holds(|all, known| is_of(all, known, 1, 1));
    the_end_may_be_asked_for Must "9110 14.1.2"
        (Ranges) "sends the last bytes for bytes=-5" "bytes=-5 时发送最后 5 个字节"
        [get!("{page}", "Range: bytes=-5")]
        => Status(&[206]), Holds(|all, known| all[0].body == known.body[known.body.len() - 5..]);
    the_rest_may_be_asked_for Must "9110 14.1.2"
        (Ranges) "sends everything from a byte on for bytes=5-" "bytes=5- 时发送从第 5 个字节起的全部"
        [get!("{page}", "Range: bytes=5-")] => Status(&[206]), Part(5, usize::MAX);
    a_part_ends_with_the_page Must "9110 14.1.2"
        (Ranges) "ends a part at the end of the page" "部分到页面末尾为止"
        [get!("{page}", "Range: bytes=5-99999999"), get!("{page}", "Range: bytes=5-99999999999999999999999999")]
        => Status(&[206, 200, 416]), Holds(|all, known| all[0].status != 206 || all[0].body == known.body[5..]);
    a_suffix_longer_than_the_page_is_the_page Must "9110 14.1.2"
        (Ranges) "sends the whole page for a suffix that is longer" "要的后缀比页面还长时，发送整个页面"
        [get!("{page}", "Range: bytes=-99999999")] => Status(&[206, 200]), Part(0, usize::MAX);
    a_part_behind_the_end_gets_416 Should "9110 14.2"
        (Ranges) "answers a part behind the end with 416" "要的部分在末尾之后时，回答 416"
        [get!("{page}", "Range: bytes={length}-"), get!("{page}", "Range: bytes=99999999-"), get!("{page}", "Range: bytes=-0")]
        => Status(&[416]), InStep;
    a_416_says_how_long_the_page_is Should "9110 15.5.17"
        (Ranges) "sends the length of the page with 416" "416 里写明页面的长度"
        [get!("{page}", "Range: bytes={length}-")] => Status(&[416]),
        Holds(|all, known| all[0].field("content-range") == Some(&format!("bytes */{}", known.body.len())));
    an_unknown_unit_is_ignored Must "9110 14.2"
        "sends the whole page for a unit that it doesn't know" "Range 的单位不认识时，发送整个页面"
        [get!("{page}", "Range: lines=0-4"), get!("{page}", "Range: portlab=x")]
        => Any, Holds(|all, _| all[0].status != 206 && all[0].status != 416);
    a_malformed_range_gets_no_part Must "9110 14.1.1"
        (Ranges) "sends no part for a Range that it can't read" "Range 写错时，不发送部分"
        [get!("{page}", "Range: bytes=a-b"), get!("{page}", "Range: bytes=4-2"), get!("{page}", "Range: bytes 0-4"),
         get!("{page}", "Range: bytes="), get!("{page}", "Range: bytes=0-4x"), get!("{page}", "Range: 0-4"),
         get!("{page}", "Range: bytes=--4"), get!("{page}", "Range: bytes=-"), get!("{page}", "Range: bytes=0-1-2")]
        => Status(&[200, 416, 400]);
    a_range_is_for_get_only Must "9110 14.2"
        (Ranges) "ignores Range with HEAD" "HEAD 带 Range 时，忽略"
        [head!("{page}", "Range: bytes=0-4")] => Head(&[200]), Lacks("content-range");
    a_range_of_another_method_is_ignored Must "9110 14.2"
        "ignores Range with POST" "POST 带 Range 时，忽略"
        [asked!("POST", "/", ""; "Content-Length: 0", "Range: bytes=0-4"), asked!("OPTIONS", "/", ""; "Range: bytes=99999-")]
        => Any, Holds(|all, _| !matches!(all[0].status, 206 | 416)), InStep;
    a_range_of_a_missing_page_is_ignored Must "9110 14.2"
        "answers a path that it doesn't have with 404, also with Range" "没有的路径带 Range 时，也回答 404"
        [get!("/portlab-no-such-page-4711.html", "Range: bytes=0-4"), get!("/portlab-no-such-page-4711.html", "Range: bytes=999999-")]
        => Status(&[404]);
    several_parts_are_sent_as_they_are Must "9110 15.3.7.2"
        (Ranges) "sends several parts as multipart/byteranges, or the whole page" "要几个部分时，用 multipart/byteranges，或者发送整个页面"
        [get!("{page}", "Range: bytes=0-4,10-14"), get!("{page}", "Range: bytes=0-4, 10-14")] => Status(&[206, 200, 416]),
        Holds(|all, known| all[0].status != 206 || is_multipart(&all[0], known, &[(0, 4), (10, 14)]));
    parts_that_exist_are_sent Must "9110 14.2"
        (Ranges) "sends the part that exists, if another is behind the end" "有的部分在末尾之后时，发送存在的部分"
        [get!("{page}", "Range: bytes=99999999-, 0-4"), get!("{page}", "Range: bytes=0-4, 99999999-100000000")] => Status(&[206, 200]),
        Holds(|all, known| all[0].status == 200 || all[0].body == known.body[..5] || is_multipart(&all[0], known, &[(0, 4)]));
    many_parts_send_no_more_than_the_page Should "9110 14.2"
        (Ranges) "doesn't send much more than the page for parts that overlap" "要的部分互相重叠时，不会发送比页面多得多的内容"
        [get!("{page}", "Range: bytes={0-,*99}0-"), get!("{page}", "Range: bytes={0-9,*99}0-9")]
        => Status(&[200, 206, 416, 400]), Holds(|all, known| all[0].body.len() < 2 * known.body.len() + 1000);
    a_part_is_of_the_right_version Must "9110 13.1.5"
        (Versions) "sends a part if If-Range has the page's tag or date" "If-Range 是页面的 ETag 或修改时间时，发送部分"
        [get!("{page}", "Range: bytes=0-4", "If-Range: {tag}"), get!("{page}", "Range: bytes=0-4", "If-Range: {modified}")]
        => Status(&[206]), Part(0, 5);
    another_version_is_sent_whole Must "9110 13.1.5"
        (Versions) "sends the whole page if If-Range has another tag or date" "If-Range 是别的 ETag 或时间时，发送整个页面"
        [get!("{page}", "Range: bytes=0-4", "If-Range: \"x\""), get!("{page}", "Range: bytes=0-4", "If-Range: W/{tag}"),
         get!("{page}", "Range: bytes=0-4", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT"),
         get!("{page}", "Range: bytes=0-4", "If-Range: Sat, 06 Nov 2094 08:49:37 GMT"),
         get!("{page}", "Range: bytes=99999999-", "If-Range: \"x\"")] => Status(&[200]), Part(0, usize::MAX);
    if_range_alone_changes_nothing Must "9110 13.1.5"
        (Versions) "ignores If-Range without Range" "没有 Range 时，忽略 If-Range"
        [get!("{page}", "If-Range: {tag}"), get!("{page}", "If-Range: \"x\"")] => Status(&[200]), Part(0, usize::MAX);
    a_condition_counts_before_a_range Must "9110 13.2.2"
        (Ranges) "answers 304 or 412 before it looks at Range" "先看条件，再看 Range"
        [get!("{page}", "Range: bytes=0-4", "If-None-Match: *"), get!("{page}", "Range: bytes=0-4", "If-Match: \"x\"")]
        => Status(&[304, 412]);
    a_part_names_its_version Must "9110 15.3.7"
        (Ranges) "sends Date and the page's ETag with a part" "发送部分时也有 Date 和 ETag"
        [get!("{page}", "Range: bytes=0-4")] => Status(&[206]), Has("date"),
        Holds(|all, known| known.tag.is_none() || all[0].field("etag") == known.tag.as_deref());
    parts_are_offered May "9110 14.3"
        (Ranges) "says Accept-Ranges: bytes" "写明 Accept-Ranges: bytes"
        [get!("{page}"), head!("{page}")] => Head(&[200]), Is("accept-ranges", "bytes");
    parts_of_a_large_file_are_exact Must "9110 14.1.2"
        (Fixture) "sends the right bytes from the middle of a large file" "大文件中间的部分也准确"
        [get!("/data.bin", "Range: bytes=65530-65545"), get!("/data.bin", "Range: bytes=65530-65545,0-0")] => Status(&[206, 200]),
        Holds(|all, _| {
            let part = &super::super::fixture::data()[65530..65546];
            all[0].body.windows(16).any(|it| it == part)
        }), InStep;
}

/// Whether Content-Range names these bytes.
fn is_of(all: &[Answer], known: &Known, from: usize, to: usize) -> bool {
    let range = format!("bytes {from}-{to}/{}", known.body.len());
    all[0].field("content-range") == Some(&range)
}

/// Whether the answer has these parts, and each says where it stands (RFC 9110, 14.6).
fn is_multipart(answer: &Answer, known: &Known, parts: &[(usize, usize)]) -> bool {
    let kind = answer.field("content-type").unwrap_or_default();
    let boundary = kind
        .split_once("boundary=")
        .map(|(_, it)| it.trim_matches('"'));
    let Some(boundary) = boundary.filter(|_| kind.starts_with("multipart/byteranges")) else {
        return false;
    };
    let body = String::from_utf8_lossy(&answer.body);
    let has = |&(from, to): &(usize, usize)| {
        let part = String::from_utf8_lossy(&known.body[from..=to]);
        let range = format!("bytes {from}-{to}/{}", known.body.len());
        body.split(&format!("--{boundary}"))
            .any(|it| it.contains(&range) && it.ends_with(&format!("\r\n\r\n{part}\r\n")))
    };
    answer.field("content-range").is_none()
        && parts.iter().all(has)
        && body.contains(&format!("--{boundary}--"))
}
