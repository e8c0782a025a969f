//! Conditional requests: entity tags and dates.

use super::{
    asked, get, head, post, rules,
    want::{USUAL, Want::*},
};

rules! {
    a_page_that_is_known_gets_304 Must "9110 13.1.2"
        (Tag) "answers If-None-Match with the page's tag with 304" "If-None-Match 是页面的 ETag 时，回答 304"
        [get!("{page}", "If-None-Match: {tag}"), get!("{page}", "if-none-match:{tag}")] => Status(&[304]), InStep;
    a_tag_is_found_in_a_list Must "9110 13.1.2"
        (Tag) "finds the page's tag among others" "在一串 ETag 里找到页面的"
        [get!("{page}", "If-None-Match: \"x\", {tag}"), get!("{page}", "If-None-Match: \"a,b\" , {tag}, \"y\""),
         get!("{page}", "If-None-Match: \"x\"", "If-None-Match: {tag}"), get!("{page}", "If-None-Match: , {tag},")]
        => Status(&[304]);
    every_tag_is_meant_by_the_asterisk Must "9110 13.1.2"
        (Tag) "answers If-None-Match: * with 304" "If-None-Match: * 时，回答 304"
        [get!("{page}", "If-None-Match: *")] => Status(&[304]);
    tags_are_compared_weakly_for_a_cache Must "9110 13.1.2"
        (Tag) "compares weak tags in If-None-Match too" "If-None-Match 里的弱 ETag 也算"
        [get!("{page}", "If-None-Match: W/{tag}"), get!("{page}", "If-None-Match: W/\"x\", W/{tag}")] => Status(&[304]);
    another_tag_gets_the_page Must "9110 13.1.2"
        (Tag) "sends the page to a client that has another version" "客户端有的是别的版本时，发送页面"
        [get!("{page}", "If-None-Match: \"x\""), get!("{page}", "If-None-Match: W/\"x\", \"\""), get!("{page}", "If-None-Match: \"{bare tag}x\"")]
        => Status(&[200]), Holds(|all, known| all[0].body.len() == known.body.len());
    a_tag_without_quotes_is_no_tag Should "9110 8.8.3"
        (Tag) "doesn't take a tag without quotation marks for the page's" "没有引号的 ETag 不算"
        [get!("{page}", "If-None-Match: {bare tag}"), get!("{page}", "If-None-Match: \"{bare tag}")] => Status(&[200, 400]);
    head_is_conditional_too Must "9110 13.1.2"
        (Tag) "answers a conditional HEAD like GET" "有条件的 HEAD 和 GET 一样"
        [head!("{page}", "If-None-Match: {tag}")] => Head(&[304]), InStep;
    a_304_names_the_version Must "9110 15.4.5"
        (Tag) "sends Date, and the ETag of the page, with 304" "304 的回答有 Date 和页面的 ETag"
        [get!("{page}", "If-None-Match: {tag}")] => Status(&[304]), Has("date"), Is("etag", "{tag}");
    a_304_has_no_body Must "9110 15.4.5"
        (Tag) "sends no body with 304, and no other length than that of the page" "304 没有正文；如果写了长度，就是页面的长度"
        [get!("{page}", "If-None-Match: *")] => Status(&[304]),
        Holds(|all, known| all[0].field("content-length").is_none_or(|it| *it == known.body.len().to_string())), InStep;
    a_304_does_not_describe_the_page Should "9110 15.4.5"
        (Tag) "leaves Content-Type and Content-Encoding out of 304" "304 里不写 Content-Type 和 Content-Encoding"
        [get!("{page}", "If-None-Match: {tag}")] => Status(&[304]), Lacks("content-type"), Lacks("content-encoding");
    a_date_is_ignored_beside_a_tag Must "9110 13.1.3"
        (Modified) "ignores If-Modified-Since if there is If-None-Match" "有 If-None-Match 时，忽略 If-Modified-Since"
        [get!("{page}", "If-None-Match: \"x\"", "If-Modified-Since: {modified}")] => Status(&[200]);
    a_tag_decides_beside_an_older_date Must "9110 13.2.2"
        (Tag) "answers 304 for its tag, also if If-Modified-Since is older" "ETag 相同就回答 304，即使 If-Modified-Since 更早"
        [get!("{page}", "If-None-Match: {tag}", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")] => Status(&[304]);
    a_page_that_did_not_change_gets_304 Should "9110 13.1.3"
        (Modified) "answers If-Modified-Since with the date of the change with 304" "If-Modified-Since 是修改时间时，回答 304"
        [get!("{page}", "If-Modified-Since: {modified}")] => Status(&[304]), InStep;
    a_page_that_changed_is_sent Must "9110 13.1.3"
        (Modified) "sends a page that changed after If-Modified-Since" "If-Modified-Since 之后修改过的页面，照常发送"
        [get!("{page}", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")] => Status(&[200]);
    a_malformed_date_is_ignored Must "9110 13.1.3"
        (Modified) "ignores an If-Modified-Since without a valid date" "If-Modified-Since 不是日期时，忽略"
        [get!("{page}", "If-Modified-Since: yesterday"), get!("{page}", "If-Modified-Since: 4711"), get!("{page}", "If-Modified-Since:"),
         get!("{page}", "If-Modified-Since: Sun, 99 Nov 2094 08:49:37 GMT"),
         get!("{page}", "If-Modified-Since: {modified}, {modified}")] => Status(&[200]);
    old_forms_of_dates_are_read Must "9110 5.6.7"
        (Modified) "reads dates in all three forms" "三种日期格式都能读"
        [get!("{page}", "If-Modified-Since: {modified}"), get!("{page}", "If-Modified-Since: {modified as in RFC 850}"),
         get!("{page}", "If-Modified-Since: {modified as of asctime}")] => Status(&[304]);
    a_year_of_two_digits_is_not_far_ahead Must "9110 5.6.7"
        (Modified) "reads the year 94 as 1994" "把年份 94 读作 1994"
        [get!("{page}", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT")] => Status(&[200]);
    a_date_is_for_get_and_head Must "9110 13.1.3"
        (Modified) "ignores If-Modified-Since with another method" "其他方法带 If-Modified-Since 时，忽略"
        [post!(""; "Content-Length: 0", "If-Modified-Since: {modified}"), asked!("OPTIONS", "/", ""; "If-Modified-Since: {modified}")]
        => Any, Holds(|all, _| all[0].status != 304);
    the_right_version_is_sent Must "9110 13.1.1"
        (Tag) "sends the page if If-Match has its tag" "If-Match 是页面的 ETag 时，照常发送"
        [get!("{page}", "If-Match: {tag}"), get!("{page}", "If-Match: \"x\", {tag}"), get!("{page}", "If-Match: *")] => Status(&[200]);
    another_version_gets_412 Must "9110 13.1.1"
        (Tag) "answers an If-Match without the page's tag with 412" "If-Match 里没有页面的 ETag 时，回答 412"
        [get!("{page}", "If-Match: \"x\""), get!("{page}", "If-Match: \"x\", \"y\""), get!("{page}", "If-Match: \"{bare tag}x\"")]
        => Status(&[412]), InStep;
    tags_are_compared_strongly_for_a_match Must "9110 13.1.1"
        (Tag) "doesn't accept a weak tag in If-Match" "If-Match 里的弱 ETag 不算"
        [get!("{page}", "If-Match: W/{tag}")] => Status(&[412]);
    a_match_is_tested_first Must "9110 13.2.2"
        (Tag) "tests If-Match before If-None-Match" "先看 If-Match，再看 If-None-Match"
        [get!("{page}", "If-None-Match: {tag}", "If-Match: \"x\"")] => Status(&[412]);
    a_page_that_changed_gets_412 Must "9110 13.1.4"
        (Modified) "answers an If-Unmodified-Since before the change with 412" "If-Unmodified-Since 早于修改时间时，回答 412"
        [get!("{page}", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT")] => Status(&[412]), InStep;
    a_page_that_did_not_change_is_sent Must "9110 13.1.4"
        (Modified) "sends a page that didn't change after If-Unmodified-Since" "If-Unmodified-Since 之后没有修改的页面，照常发送"
        [get!("{page}", "If-Unmodified-Since: {modified}")] => Status(&[200]);
    a_malformed_limit_is_ignored Must "9110 13.1.4"
        (Modified) "ignores an If-Unmodified-Since without a valid date" "If-Unmodified-Since 不是日期时，忽略"
        [get!("{page}", "If-Unmodified-Since: yesterday"), get!("{page}", "If-Unmodified-Since: Sun, 06 Nov 1994")] => Status(&[200]);
    a_limit_is_ignored_beside_a_match Must "9110 13.1.4"
        (Tag) "ignores If-Unmodified-Since if there is If-Match" "有 If-Match 时，忽略 If-Unmodified-Since"
        [get!("{page}", "If-Match: {tag}", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT")] => Status(&[200]);
    conditions_need_a_page Must "9110 13.2.1"
        "answers a path that it doesn't have with 404, whatever the conditions are" "没有的路径，不管有什么条件，都回答 404"
        [get!("/portlab-no-such-page-4711.html", "If-None-Match: *"), get!("/portlab-no-such-page-4711.html", "If-Match: *"),
         get!("/portlab-no-such-page-4711.html", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT")] => Status(&[404]);
    conditions_are_not_for_options Must "9110 13.2.1"
        "ignores conditions in an OPTIONS" "忽略 OPTIONS 里的条件"
        [asked!("OPTIONS", "/", ""; "If-Match: \"x\""), asked!("OPTIONS", "/", ""; "If-None-Match: *")]
        => Any, Holds(|all, _| !matches!(all[0].status, 304 | 412));
    conditions_with_mistakes_harm_nothing Should "9110 13.1"
        "serves requests with conditions that it can't read" "条件写错时，照常回答"
        [get!("/", "If-None-Match: \""), get!("/", "If-None-Match: W/"), get!("/", "If-None-Match: ,,,"), get!("/", "If-Range: x")]
        => Status(&[USUAL]), InStep;
}
