//! Files and folders of a static server.

use super::{get, head, rules, want::Want::*};

rules! {
    a_folder_is_its_index Should "9110 9.3.1"
        (Fixture) "sends the index of a folder" "文件夹的回答是它的首页"
        [get!("/"), get!("/folder/"), get!("/index.html"), get!("/folder/index.html")]
        => Status(&[200]), Body("<!doctype html><title>index</title>\n");
    a_folder_without_slash_is_moved Should "9110 15.4.2"
        (Fixture) "sends a client from /folder to /folder/" "把客户端从 /folder 引到 /folder/"
        [get!("/folder"), get!("/folder?x=1")]
        => Status(&[301, 308]), Holds(|all, _| all[0].field("location").is_some_and(|it| it.contains("/folder/"))), InStep;
    a_move_keeps_the_query May "9110 15.4.2"
        (Fixture) "keeps the query when it adds the slash" "加上斜线时，保留查询"
        [get!("/folder?x=1&y")] => Status(&[301, 308]),
        Holds(|all, _| all[0].field("location").is_some_and(|it| it.ends_with("/folder/?x=1&y")));
    a_move_leads_to_no_other_host Must "3986 4.2"
        (Fixture) "sends no Location that begins with //, which is another host" "Location 不以 // 开头：那是另一台主机"
        [get!("//folder"), get!("//other.example/..%2ffolder"), get!("/%2fother.example"), get!("/\\other.example"), get!("//other.example/folder/..")]
        => Any, Holds(|all, _| all[0].field("location").is_none_or(|it| !it.starts_with("//") && !it.contains('\\') && !it.starts_with("http://other")));
    a_location_is_a_uri Must "9110 10.2.2"
        (Fixture) "encodes the name of a folder in Location" "Location 里的文件夹名经过编码"
        [get!("/%E4%B8%AD%E6%96%87")] => Any,
        Holds(|all, _| all[0].field("location").is_none_or(|it| it.to_ascii_uppercase().ends_with("/%E4%B8%AD%E6%96%87/")));
    a_file_is_sent_exactly Must "9110 8.6"
        (Fixture) "sends every byte of a file" "文件的每个字节都准确"
        [get!("/data.bin")] => Status(&[200]), Holds(|all, _| all[0].body == super::super::fixture::data()), InStep;
    a_head_of_a_large_file_sends_none_of_it Must "9110 9.3.2"
        (Fixture) "sends the length of a file to HEAD, and none of its bytes" "HEAD 只得到文件的长度，没有内容"
        [head!("/data.bin")] => Head(&[200]), Holds(|all, _| all[0].field("content-length").is_none_or(|it| it == "100000")), InStep;
    an_empty_file_has_the_length_zero Must "9110 8.6"
        (Fixture) "sends an empty file with Content-Length: 0" "空文件的 Content-Length 是 0"
        [get!("/empty.txt")] => Status(&[200]), Body(""), Holds(|all, _| all[0].field("content-length").is_none_or(|it| it == "0")), InStep;
    a_name_may_have_any_characters Must "3986 2.5"
        (Fixture) "finds a file whose name has Chinese characters, spaces and %" "找得到名字里有汉字、空格和 % 的文件"
        [get!("/%E4%BD%A0%E5%A5%BD%20100%25.txt"), get!("/%e4%bd%a0%e5%a5%bd%20100%25.txt")] => Status(&[200]), Body("你好\n");
    a_query_changes_no_file May "3986 3.4"
        (Fixture) "sends the same file with a query behind its path" "路径后面带查询时，发送的还是同一个文件"
        [get!("/text.txt?x=1&y=/../z"), get!("/text.txt?"), get!("/text.txt??")] => Status(&[200]), Part(0, 1024);
    letters_may_be_encoded Should "3986 6.2.2.2"
        (Fixture) "finds a file whose letters are encoded" "字母写成编码也找得到文件"
        [get!("/%74ext.txt"), get!("/%66older/")] => Status(&[200]);
    a_name_is_decoded_once Must "3986 2.4"
        (Fixture) "decodes a path once" "路径只解码一次"
        [get!("/%2574ext.txt"), get!("/%252e%252e/text.txt")] => Status(&[404, 400]);
    a_plus_is_a_plus Should "3986 3.3"
        (Fixture) "takes a + in a path for a +, not for a space" "路径里的 + 就是 +，不是空格"
        [get!("/a+b.txt"), get!("/a%2Bb.txt")] => Status(&[200]), Body("plus\n");
    an_encoded_slash_separates_nothing Should "3986 2.2"
        (Fixture) "doesn't take %2F for a slash" "不把 %2F 当作斜线"
        [get!("/folder%2Findex.html"), get!("/folder%2findex.html")] => Status(&[404, 400]);
    case_matters_in_a_path Must "9110 4.2.3"
        (Fixture) "finds no file in another case" "路径区分大小写"
        [get!("/TEXT.TXT"), get!("/Folder/")] => Status(&[404]);
    a_file_has_no_files_in_it Should "9110 15.5.5"
        (Fixture) "answers a path below a file with 404" "文件下面的路径，回答 404"
        [get!("/text.txt/more"), get!("/text.txt/")] => Status(&[404]);
    a_name_tells_the_type Should "9110 8.3"
        (Fixture) "sends text/html for .html" ".html 的类型是 text/html"
        [get!("/index.html"), get!("/")] => Status(&[200]),
        Holds(|all, _| all[0].field("content-type").is_some_and(|it| it.starts_with("text/html")));
    a_text_tells_its_encoding May "9110 8.3.2"
        (Fixture) "names the encoding of a text" "写明文本的编码"
        [get!("/index.html"), get!("/text.txt")] => Status(&[200]),
        Holds(|all, _| all[0].field("content-type").is_some_and(|it| it.to_lowercase().contains("charset=")));
    an_unknown_file_is_not_text Should "9110 8.3"
        (Fixture) "doesn't call a binary file a text" "不把二进制文件说成文本"
        [get!("/data.bin")] => Status(&[200]),
        Holds(|all, _| all[0].field("content-type").is_none_or(|it| it.starts_with("application/")));
    a_link_out_of_the_root_is_refused Should "9110 17.3"
        (Fixture) "doesn't follow a link to a file outside its folder" "不跟随指向文件夹外的链接"
        [get!("/outside"), get!("/up/etc/passwd")] => Status(&[403, 404]);
    a_pipe_is_no_file Should "9110 15.5.4"
        (Fixture) "sends nothing from what isn't a file, and doesn't wait for it" "不是文件的东西不发送，也不等待"
        [get!("/pipe"), head!("/pipe")] => Head(&[403, 404]);
}
