//! The pages that the lesson serves, one for each kind of status.

use percent_encoding::percent_decode;

use crate::cast::Request;

/// The page with two pictures, one of which doesn't exist, and a form.
pub(super) const PAGE: &str = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>HTTP</title>\n\
    <h1>你好，浏览器！</h1>\n<img src=\"/dot.svg\" alt=\"/dot.svg\">\n<img src=\"/missing.png\" alt=\"/missing.png\">\n\
    <p><a href=\"/old\">/old</a> <a href=\"/nothing\">/nothing</a> <a href=\"/broken\">/broken</a></p>\n\
    <form method=\"post\" action=\"/form\"><input name=\"name\" value=\"小明\"> <input name=\"seats\" value=\"2\"> \
    <button>POST</button></form>\n";

const PICTURE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"40\">\
    <circle cx=\"20\" cy=\"20\" r=\"18\" fill=\"teal\"/></svg>\n";

/// The version of the page.
pub(super) const TAG: &str = "\"1\"";

/// The methods that this server knows.
const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "DELETE"];

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// The response to a request.
pub(super) fn answer(request: &Request) -> Vec<u8> {
    let (method, path) = (request.method(), request.path());
    if !METHODS.contains(&method) {
        return response("501 Not Implemented", TEXT, "", "unknown method\n");
    }
    let allowed = if path == "/form" { "POST" } else { "GET, HEAD" };
    if !allowed.split(", ").any(|it| it == method) {
        let allow = format!("Allow: {allowed}\r\n");
        return response("405 Method Not Allowed", TEXT, &allow, "not here\n");
    }
    let tag = format!("ETag: {TAG}\r\n");
    let answer = match path {
        "/" if request.header("If-None-Match") == TAG => {
            return format!("HTTP/1.1 304 Not Modified\r\n{tag}\r\n").into_bytes();
        }
        "/" => response("200 OK", HTML, &tag, PAGE),
        "/hello" => response("200 OK", TEXT, "", "你好"),
        "/dot.svg" => response("200 OK", "image/svg+xml", "", PICTURE),
        "/form" => response("200 OK", TEXT, "", &fields(&request.body)),
        "/old" => response("301 Moved Permanently", TEXT, "Location: /\r\n", "see /\n"),
        // A wrong word, on purpose.
        "/strange" => response("404 OK", TEXT, "", "no such page\n"),
        "/broken" => response("500 Internal Server Error", TEXT, "", "a mistake here\n"),
        _ => response("404 Not Found", TEXT, "", "no such page\n"),
    };
    match method {
        "HEAD" => head_of(&answer).to_vec(),
        _ => answer,
    }
}

fn response(status: &str, kind: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A message up to its empty line.
pub(super) fn head_of(message: &[u8]) -> &[u8] {
    let end = message.windows(4).position(|it| it == b"\r\n\r\n");
    &message[..end.map_or(message.len(), |end| end + 4)]
}

/// The fields of a form, decoded: `name = value`, with commas between them.
fn fields(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body).replace('+', " ");
    let fields = body.split('&').map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let [name, value] =
            [name, value].map(|it| percent_decode(it.as_bytes()).decode_utf8_lossy());
        format!("{name} = {value}")
    });
    fields.collect::<Vec<_>>().join(", ")
}
