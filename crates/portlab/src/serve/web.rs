//! What `serve --service http` sends, and the limits of a request.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use portlab_backends::{FileOptions, Files};
use portlab_service::{HttpOptions, TextEncoding};
use portlab_sys::input;
use portlab_words::{tr, units};
use serde_json::Value;

use crate::args::lang;

/// The options of a web server.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web server (--service http)")]
pub(super) struct WebArgs {
    /// The folder whose files are sent; files outside of it are never opened
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// The file that is sent for a folder
    #[arg(long, value_name = "NAME", default_value = "index.html")]
    index: String,

    /// List the entries of a folder that has no such file
    #[arg(long)]
    listing: bool,

    /// The page for errors, in HTML; {status} in it becomes the status, such as 404
    /// Not Found
    #[arg(long, value_name = "FILE")]
    error_page: Option<PathBuf>,

    /// The longest target of a request (its path and query); a longer one gets 414
    #[arg(long, value_name = "BYTES", default_value = "8KiB", value_parser = units::size("64", "1MiB"))]
    max_target: usize,

    /// The longest head of a request; a longer one gets 431
    #[arg(long, value_name = "BYTES", default_value = "16KiB", value_parser = units::size("256", "1MiB"))]
    max_head: usize,

    /// The longest body of a request, which is read and discarded; a longer one gets
    /// 413
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = units::size("0", "1TiB"))]
    max_body: usize,

    /// Memory for the contents of small files, of each process that serves
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = units::size("0", "1TiB"))]
    file_cache: usize,
}

impl WebArgs {
    /// The options of the service.
    pub(super) fn http(&self, encoding: TextEncoding) -> anyhow::Result<HttpOptions> {
        let error_page = self.error_page.as_deref().map(read).transpose()?;
        Ok(HttpOptions {
            max_target: self.max_target,
            max_head: self.max_head,
            max_body: self.max_body as u64,
            error_page,
            encoding,
            lang: lang(),
        })
    }

    /// The limits of a request for people; `within` is its time limit.
    pub(super) fn line(&self, within: &str) -> String {
        let all = [
            self.max_target,
            self.max_head,
            self.max_body,
            self.file_cache,
        ];
        let [target, head, body, cache] = all.map(|it| units::bytes(it as f64));
        tr!(
            lang(),
            "limits: targets of {target}, heads of {head} and bodies of {body}, each within {within}; \
             small files in {cache} of memory",
            "限制：请求目标 {target}，请求头 {head}，请求体 {body}，各须在 {within} 内收完；小文件缓存 {cache}"
        )
    }

    /// The limits of a request for programs.
    pub(super) fn add_to(&self, limits: &mut Value) {
        limits["target_bytes"] = self.max_target.into();
        limits["head_bytes"] = self.max_head.into();
        limits["body_bytes"] = self.max_body.into();
        limits["file_cache_bytes"] = self.file_cache.into();
    }

    /// Refuses options that another service would ignore.
    pub(super) fn check_unused(&self, service: &str) -> anyhow::Result<()> {
        let given = [
            ("--root", self.root.is_some()),
            ("--listing", self.listing),
            ("--error-page", self.error_page.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((option, _)) => bail!(tr!(
                "{option} is for the web server, and the service is {service}; add --service http, or leave {option} out",
                "{option} 只用于 Web 服务器，而现在的服务是 {service}；请加上 --service http，或去掉 {option}"
            )),
        }
    }

    /// The files of the service.
    pub(super) fn files(&self) -> anyhow::Result<&'static Files> {
        let Some(root) = self.root.clone() else {
            bail!(tr!(
                "--service http needs a folder to serve; give one with --root DIR, such as --root .",
                "--service http 需要一个文件夹；请用 --root DIR 指定，比如 --root ."
            ));
        };
        let index = &self.index;
        if matches!(&**index, "" | "." | "..") || index.contains(['/', '\0']) {
            bail!(tr!(
                "--index {index:?} isn't the name of a file; give a name without a folder, such as --index index.html",
                "--index {index:?} 不是文件名；请写不带文件夹的名字，比如 --index index.html"
            ));
        }
        Files::open(FileOptions {
            root,
            index: self.index.clone(),
            listing: self.listing,
            cache_bytes: self.file_cache,
        })
        .map_err(|error| error.text().into())
    }
}

/// Reads the page for errors, which must be UTF-8.
fn read(file: &Path) -> anyhow::Result<String> {
    const MOST: u64 = 1024 * 1024;
    let name = file.display();
    let bytes = input::read(file, MOST).with_context(|| {
        tr!(
            lang(),
            "can't use --error-page {name}; give a page in HTML, such as --error-page 404.html",
            "无法使用 --error-page {name}；请给出一个 HTML 网页，比如 --error-page 404.html"
        )
    })?;
    match String::from_utf8(bytes) {
        Ok(page) => Ok(page),
        Err(_) => bail!(tr!(
            "--error-page {name} isn't UTF-8; save the page in UTF-8",
            "--error-page {name} 不是 UTF-8；请把网页存成 UTF-8"
        )),
    }
}
