//! Bodies in chunks.

use super::{chunked, rules, smuggled, want::Want::*};

rules! {
    a_body_in_chunks_is_read Must "9112 7.1"
        "reads a body in chunks up to its end" "能读完分块的正文"
        [chunked!("5\nhello\n0\n\n"), chunked!(concat!("1b\n", smuggled!(), "\n0\n\n")),
         chunked!(concat!("5\nhello\n1b\n", smuggled!(), "\n1\nx\n0\n\n"))] => Taken, InStep;
    chunks_may_be_none Must "9112 7.1"
        "reads a body without a chunk" "能读没有内容的分块正文"
        [chunked!("0\n\n"), chunked!("000\n\n")] => Taken, InStep;
    a_size_is_hexadecimal Must "9112 7.1"
        "reads the sizes of chunks in hexadecimal, in upper and in lower case" "块的大小是十六进制，不分大小写"
        [chunked!("a\n0123456789\n0\n\n"), chunked!(concat!("1B\n", smuggled!(), "\n0\n\n"))] => Taken, InStep;
    zeros_before_a_size_change_nothing Must "9112 7.1"
        "reads a size with zeros before it, or refuses it" "块的大小前面有零时，照常读，或者拒绝"
        [chunked!(concat!("0000000000000000001b\n", smuggled!(), "\n0\n\n"))] => Any, InStep;
    chunks_may_come_in_pieces Must "9112 7.1"
        "waits for the rest of a chunk, wherever the pieces are cut" "块分成几段到达时，等它收完"
        [chunked!("5\nhel{then}lo\n0\n\n"), chunked!("5{then}\nhello{0d}{then}{0a}0\n\n"), chunked!("5\nhello\n0\n{then}\n")]
        => Taken, InStep;
    an_extension_of_a_chunk_is_ignored Must "9112 7.1.1"
        "ignores the extensions of a chunk" "忽略块的扩展"
        [chunked!(concat!("1b;a=b\n", smuggled!(), "\n0;c\n\n")), chunked!(concat!("1b;a=\"b;c\"\n", smuggled!(), "\n0\n\n")),
         chunked!(concat!("1b;a;b;c=d\n", smuggled!(), "\n0\n\n"))] => Taken, InStep;
    white_space_around_an_extension_is_ignored Must "9110 5.6.3"
        "ignores spaces around the ; and the = of an extension" "忽略扩展的 ; 和 = 前后的空格"
        [chunked!(concat!("1b ; a = b\n", smuggled!(), "\n0\n\n")), chunked!(concat!("1b\t;a\n", smuggled!(), "\n0\n\n"))]
        => Taken, InStep;
    a_trailer_is_read Must "9112 7.1.2"
        "reads the fields behind the last chunk" "读完最后一块后面的字段"
        [chunked!("5\nhello\n0\nX-Sum: 1\n\n"), chunked!("0\nA: b\nC:\n\n")] => Taken, InStep;
    a_trailer_changes_no_framing Must "9110 6.5.1"
        "doesn't use a length, a coding or a host in a trailer" "不理会尾部字段里的长度、编码和主机"
        [chunked!("0\nContent-Length: 27\n\n"), chunked!("0\nTransfer-Encoding: chunked\n\n"), chunked!("0\nHost: a b\n\n"),
         chunked!("0\nConnection: x\n\n"), chunked!("0\nAuthorization: x\nContent-Type: x\n\n")] => Any, InStep;
    a_malformed_size_is_refused Must "9112 7.1"
        "refuses a size that isn't hexadecimal digits, and closes" "块的大小不是十六进制数字时，拒绝并关闭连接"
        [chunked!("g\nhello\n0\n\n"), chunked!("+5\nhello\n0\n\n"), chunked!("-5\nhello\n0\n\n"), chunked!("0x5\nhello\n0\n\n"),
         chunked!("5h\nhello\n0\n\n"), chunked!("0_5\nhello\n0\n\n"), chunked!("\nhello\n0\n\n"), chunked!("5.\nhello\n0\n\n"),
         chunked!("+0\n\n"), chunked!("5,\nhello\n0\n\n")] => Dropped;
    a_size_has_no_spaces Should "9112 7.1"
        "refuses spaces around a size, and closes" "块的大小前后有空格时，拒绝并关闭连接"
        [chunked!(" 5\nhello\n0\n\n"), chunked!("5 \nhello\n0\n\n"), chunked!("\t5\nhello\n0\n\n")] => Dropped;
    a_large_size_does_not_overflow Must "9112 7.1"
        "refuses a size that is larger than any number it has, and closes" "块的大小比它能表示的数还大时，拒绝并关闭连接"
        [chunked!("10000000000000005\nhello\n0\n\n"), chunked!("fffffffffffffffff\nhello\n0\n\n"),
         chunked!("{f*40}\nhello\n0\n\n"), chunked!("100000000000000000000000000000005\nhello\n0\n\n")] => Dropped;
    a_chunk_has_its_size Must "9112 7.1"
        "refuses a chunk with more bytes than its size, and closes" "块比写明的大小长时，拒绝并关闭连接"
        [chunked!("5\nhelloXX\n0\n\n"), chunked!("5\nhello!\n0\n\n")] => Dropped;
    a_line_end_follows_a_chunk Must "9112 7.1"
        "refuses a chunk without the line end behind it, and closes" "块后面没有换行时，拒绝并关闭连接"
        [chunked!("5\nhello0\n\n"), chunked!("5\nhello5\nhello\n0\n\n")] => Dropped;
    a_bare_cr_ends_no_size Must "9112 2.2"
        "refuses a CR alone in the line of a size, and closes" "块大小那一行里有单独的 CR 时，拒绝并关闭连接"
        [chunked!("5{0d}hello\n0\n\n"), chunked!("5;a{0d}b\nhello\n0\n\n"), chunked!("5\nhello{0d}0\n\n")] => Dropped;
    a_bare_lf_ends_no_chunk May "9112 2.2"
        "refuses a LF alone as the line end of a chunk, and closes" "块的行尾只有 LF 时，拒绝并关闭连接"
        [chunked!("5{0a}hello\n0\n\n"), chunked!("5\nhello{0a}0\n\n"), chunked!("5;a{0a}hello\n0\n\n"), chunked!("0\nX: y{0a}{0a}\n")]
        => Dropped;
    a_malformed_extension_is_refused Should "9112 7.1.1"
        "refuses an extension without a name or with characters that no token has" "扩展没有名字，或有不允许的字符时拒绝"
        [chunked!("5;\nhello\n0\n\n"), chunked!("5;[\nhello\n0\n\n"), chunked!("5;=x\nhello\n0\n\n"), chunked!("5;a=\nhello\n0\n\n")]
        => Dropped;
    a_nul_in_an_extension_is_refused Should "9110 5.5"
        "refuses a NUL in an extension, and closes" "扩展里有 NUL 时，拒绝并关闭连接"
        [chunked!("5;a{00}b\nhello\n0\n\n"), chunked!("5;a=\"{00}\"\nhello\n0\n\n")] => Dropped;
    a_malformed_trailer_is_refused Should "9112 7.1.2"
        "refuses a field behind the last chunk that has no name or no colon" "最后一块后面的字段写得不对时拒绝"
        [chunked!("0\nX Y: z\n\n"), chunked!("0\n: y\n\n"), chunked!("0\nX : y\n\n"), chunked!("0\nX\n\n")] => Dropped;
    long_extensions_have_a_limit May "9112 7.1.1"
        "refuses extensions of 64 KiB" "扩展长达 64 KiB 时拒绝"
        [chunked!("5;{a*65536}\nhello\n0\n\n")] => Dropped;
    long_trailers_have_a_limit May "9110 6.5.1"
        "refuses a trailer of 2 MiB" "尾部字段长达 2 MiB 时拒绝"
        [chunked!("0\nX: {a*2097152}\n\n")] => Dropped;
    chunks_without_their_end_are_not_complete Must "9112 8"
        "closes the connection when a body breaks off before its last chunk" "最后一块没有到，连接就断了时，关闭连接"
        [concat!(chunked!("5\nhello\n"), "{end}"), concat!(chunked!("5\nhel"), "{end}")] => Ended;
}
