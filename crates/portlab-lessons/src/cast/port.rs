//! The port of the course.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use portlab_report::Lang;
use portlab_sys::holder::holder;

use crate::stage::Stage;

/// Opens the port that the course's programs use, 8080, or another if it is taken. In the text,
/// `{yours}` is its number, and `{taken}` says by whom 8080 is held, if it is.
///
/// # Errors
/// When no port can be had.
pub fn courses_port(stage: &mut Stage<'_>) -> io::Result<TcpListener> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let door = TcpListener::bind(usual);
    let is_free = door.is_ok();
    let door = door.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let port = door.local_addr()?.port();
    stage.set("yours", port);
    let by = holder(usual).map_or_else(|| "?".to_owned(), |by| by.to_string());
    let taken = match stage.lang() {
        _ if is_free => String::new(),
        Lang::En => format!(" (Number 8080 is taken by {by}, so it is {port} this time.)"),
        Lang::Zh => format!("（8080 号被 {by} 占着，所以这次用 {port} 号。）"),
    };
    stage.set("taken", taken);
    Ok(door)
}
