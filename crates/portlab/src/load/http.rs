//! Requests of HTTP: a target that is a URL.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use portlab_load::{
    Expect, Framing, Header, Http, Method, Payload, Program, Request, Script, Statuses, Target,
    Template, Url,
};
use portlab_sys::input;
use portlab_words::{Text, tr};

use super::{Args, ScriptArgs, plan, target};
use crate::address::{Purpose, narrow};

/// What is requested, if the target is a URL.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "HTTP (if ADDR is a URL)")]
pub(super) struct HttpArgs {
    /// The method of the requests [default: GET, and with a body POST]
    #[arg(long, value_name = "NAME")]
    method: Option<Method>,

    /// Add a header, 'NAME: VALUE'; it replaces portlab's own of that name (Host,
    /// User-Agent, Content-Length). Can be given several times
    #[arg(long, short = 'H', value_name = "HEADER")]
    header: Vec<Header>,

    /// Send this body, in the --encoding
    #[arg(long, value_name = "TEXT", group = "request_body")]
    body: Option<String>,

    /// Send the contents of this file as the body
    #[arg(long, value_name = "FILE", group = "request_body")]
    body_file: Option<PathBuf>,

    /// Connect to this socket in the file system instead of the URL's host and port, as
    /// curl does: --unix-socket /run/app.sock http://localhost/
    #[arg(long, value_name = "PATH")]
    unix_socket: Option<String>,

    /// The statuses that are fine, such as 404, 200,204 or 2xx; all others are errors
    /// [default: 2xx,3xx]
    #[arg(long, value_name = "LIST", conflicts_with = "any_answer")]
    expect_status: Option<Statuses>,
}

/// The longest body from a file.
const MOST_BODY: u64 = 64 << 20;

/// The URLs among the targets; `None` if no target is a URL.
///
/// # Errors
/// When one of them can't be requested, or only some targets are URLs.
pub(super) fn urls(args: &Args) -> anyhow::Result<Option<Vec<Url>>> {
    let is_url = |target: &String| Url::is_like(&narrow(target));
    let Some(url) = args.targets.iter().find(|target| is_url(target)) else {
        if let Some(target) = args.targets.iter().find(|it| is_without_scheme(it)) {
            bail!(tr!(
                "{target} has a path, which only a URL has; write http://{target}",
                "{target} 带有路径，只有网址才有路径；请写 http://{target}"
            ));
        }
        refuse_options(args)?;
        return Ok(None);
    };
    if let Some(other) = args.targets.iter().find(|target| !is_url(target)) {
        bail!(tr!(
            "{url} is a URL and {other} isn't; write both as URLs, or both as HOST:PORT",
            "{url} 是网址，而 {other} 不是；请都写成网址，或都写成“主机:端口”"
        ));
    }
    let urls = args.targets.iter().map(|target| read(target));
    let urls = urls.collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(other) = urls.iter().find(|other| other.tls != urls[0].tls) {
        let first = &urls[0];
        bail!(tr!(
            "{first} and {other} differ in TLS; load http:// and https:// in runs of their own",
            "{first} 和 {other} 一个使用 TLS，另一个不使用；请分两次运行，分别加载 http:// 和 https://"
        ));
    }
    Ok(Some(urls))
}

/// Whether `target` is a URL without its `http://`, such as `localhost:8080/path`.
fn is_without_scheme(target: &str) -> bool {
    let is_server = |(server, _): (&str, &str)| Purpose::LOAD.read(server).is_ok();
    !target.starts_with("unix:") && target.split_once('/').is_some_and(is_server)
}

/// Reads a URL, whose marks before the path may be those of a Chinese keyboard.
fn read(text: &str) -> anyhow::Result<Url> {
    let narrowed = narrow(text);
    let server = narrowed.find("://").map_or(0, |at| at + 3);
    let server = narrowed[server..]
        .find('/')
        .map_or(narrowed.len(), |at| server + at);
    // Narrowing changes no number of characters, but those of bytes.
    let characters = narrowed[..server].chars().count();
    let path = text.trim().chars().skip(characters);
    Ok((narrowed[..server].to_owned() + &path.collect::<String>()).parse()?)
}

/// Where the server of `url` listens.
///
/// # Errors
/// When its host can't be found.
pub(super) fn target(url: &Url, args: &Args) -> anyhow::Result<Target> {
    match &args.http.unix_socket {
        Some(path) => target::unix(path),
        None => target::tcp(&url.address(), args.connections.connect_timeout),
    }
}

/// The script that requests `urls`.
///
/// # Errors
/// When an option doesn't go together with a URL.
pub(super) fn script(args: &Args, urls: Vec<Url>) -> anyhow::Result<Script> {
    let script = &args.script;
    refuse_messages(script)?;
    let body = body(&args.http, script)?;
    let usual = match body {
        Some(_) => Method::post(),
        None => Method::get(),
    };
    let request = Request {
        method: args.http.method.clone().unwrap_or(usual),
        headers: args.http.header.clone(),
        body,
    };
    let mut messages: Vec<_> = urls.iter().map(|url| request.bytes(url)).collect();
    let payload = match messages.iter().any(|it| *it != messages[0]) {
        false => Payload::Always(messages.swap_remove(0).into()),
        true => Payload::Template(Arc::new(Template::by_target(messages))),
    };
    let http = Http {
        method: request.method,
        urls,
        statuses: args.http.expect_status.clone(),
    };
    let expect = match script.expect.clone() {
        Some(expect) => expect.of_http(http)?.in_encoding(script.encoding)?,
        None => Expect::from(Framing::Http(http)),
    };
    let is_program = script.think.is_some() || matches!(payload, Payload::Template(_));
    let program = is_program.then(|| {
        let program = Program::repeating(payload.clone(), expect.clone(), script.think);
        Arc::new(program)
    });
    Ok(Script {
        payload,
        expect,
        program,
        any_answer: script.any_answer,
        behaviour: plan::behaviour(script),
        ..Script::echo(1)
    })
}

fn body(http: &HttpArgs, script: &ScriptArgs) -> anyhow::Result<Option<Vec<u8>>> {
    if let Some(file) = &http.body_file {
        let body = input::read(file, MOST_BODY).with_context(|| {
            let file = file.display();
            tr!(
                "can't read {file}, the file of --body-file",
                "无法读取 --body-file 的文件 {file}"
            )
        })?;
        return Ok(Some(body));
    }
    let encoded = http.body.as_ref().map(|text| script.encoding.encode(text));
    Ok(encoded.transpose()?)
}

/// Refuses options that say what a message is: with a URL, HTTP says that.
fn refuse_messages(script: &ScriptArgs) -> anyhow::Result<()> {
    let given = [
        ("--text", script.text.is_some()),
        ("--payload", script.payload.is_some()),
        ("--hex", script.hex.is_some()),
        ("--size", script.size.is_some()),
        ("--lines", script.lines.is_some()),
        ("--dialogue", script.dialogue.is_some()),
        ("--greeting", script.greeting.is_some()),
        ("--script chat", script.script.is_some()),
    ];
    if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
        bail!(tr!(
            "{option} is for messages of bytes, and a URL is requested with HTTP; use --method, --header and --body, \
             or give HOST:PORT instead of the URL",
            "{option} 用于字节消息，而网址用 HTTP 请求；请使用 --method、--header 和 --body，或写“主机:端口”而不是网址"
        ));
    }
    Ok(())
}

/// Refuses options of HTTP without a URL.
fn refuse_options(args: &Args) -> anyhow::Result<()> {
    let http = &args.http;
    let given = [
        ("--method", http.method.is_some()),
        ("--header", !http.header.is_empty()),
        ("--body", http.body.is_some()),
        ("--body-file", http.body_file.is_some()),
        ("--expect-status", http.expect_status.is_some()),
        ("--unix-socket", http.unix_socket.is_some()),
    ];
    let Some((option, _)) = given.iter().find(|(_, given)| *given) else {
        return Ok(());
    };
    let target = args.targets.first().map_or("127.0.0.1:8080", |it| it);
    let remedy = match Purpose::LOAD.read(target) {
        Ok(addr) => tr!("write http://{addr}/", "请写 http://{addr}/"),
        Err(_) => Text::new("give a URL", "请写网址"),
    };
    let Text { en, zh } = remedy;
    bail!(tr!(
        "{option} is for HTTP, and {target} is not a URL; {en}",
        "{option} 用于 HTTP，而 {target} 不是网址；{zh}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_a_chinese_keyboard_has_it_and_its_path_is_left() {
        for (text, expected) in [
            ("http：//127。0。0。1：8080/a", "http://127.0.0.1:8080/a"),
            (" http://localhost/，。".trim(), "http://localhost/"),
        ] {
            let read = read(text).map(|url| url.to_string());
            match read {
                Ok(url) => assert_eq!(url, expected),
                // A path is sent as it is, so its marks stay what they are.
                Err(error) => assert!(error.to_string().contains("%EF%BC%8C%E3%80%82"), "{error}"),
            }
        }
    }
}
