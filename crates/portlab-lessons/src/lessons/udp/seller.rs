//! A server that sells a ticket for each order, and whose first answer is lost.

use std::{
    collections::HashSet,
    io::{self, ErrorKind},
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use super::{postbox, received};
use crate::stage::{Exit, Stage};

/// How long a client waits for an answer before it orders again.
const WAIT: Duration = Duration::from_millis(500);
/// How many orders a client sends: far more than a busy machine needs.
const ORDERS: usize = 100;
/// The order; the student's client sends the same.
const ORDER: &[u8] = b"order 7: one ticket";

/// The server, which runs as long as this program.
pub(super) struct Seller {
    addr: SocketAddr,
    received: Arc<AtomicUsize>,
    sold: Arc<AtomicUsize>,
}

impl Seller {
    /// Opens the shop. A server that `remembers` sells one ticket for an order that comes again.
    fn open(remembers: bool) -> io::Result<Self> {
        let socket = postbox()?;
        socket.set_read_timeout(None)?;
        let seller = Self {
            addr: socket.local_addr()?,
            received: Arc::default(),
            sold: Arc::default(),
        };
        let (received, sold) = (Arc::clone(&seller.received), Arc::clone(&seller.sold));
        thread::spawn(move || serve(&socket, remembers, &received, &sold));
        Ok(seller)
    }
}

/// Answers orders until the socket fails.
fn serve(
    socket: &UdpSocket,
    remembers: bool,
    count: &AtomicUsize,
    sold: &AtomicUsize,
) -> io::Result<()> {
    let mut known = HashSet::new();
    loop {
        let (order, client) = received(socket)?;
        let is_first = count.fetch_add(1, SeqCst) == 0;
        let is_new = known.insert(order);
        if is_new || !remembers {
            sold.fetch_add(1, SeqCst);
        }
        if !is_first {
            let answer = format!("ticket {}", sold.load(SeqCst));
            socket.send_to(answer.as_bytes(), client)?;
        }
    }
}

/// Orders a ticket from one server after the other, until each has answered.
pub(super) fn ordered_again(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("again")?;
    let forgetful = Seller::open(false)?;
    let answers = order(forgetful.addr)?;
    step.seen("silent", answers.first() == Some(&None));
    step.set("attempts", answers.len());
    let answer = answers.last().cloned().flatten().unwrap_or_default();
    step.seen("answered", answer.starts_with("ticket"));
    step.set("answer", answer);
    let sold = forgetful.sold.load(SeqCst);
    step.set("sold", sold);
    step.seen("twice", sold > 1);

    let door = Seller::open(false)?.addr.port().to_string();
    let student = step.student("order.py", &[&door])?;
    let printed = student.map(|it| it.rest().join(", "));
    step.printed("python", "python_answer", printed, |it| {
        it.starts_with("no answer") && it.contains("ticket")
    });

    let careful = Seller::open(true)?;
    order(careful.addr)?;
    let (times, sold) = (careful.received.load(SeqCst), careful.sold.load(SeqCst));
    step.set("received_again", times);
    step.set("sold_once", sold);
    step.seen("once", times > 1 && sold == 1);
    step.end()
}

/// Sends the order until an answer comes. Returns what came after each order; `None` if nothing did in time.
fn order(seller: SocketAddr) -> io::Result<Vec<Option<String>>> {
    let client = postbox()?;
    client.connect(seller)?;
    client.set_read_timeout(Some(WAIT))?;
    let mut answers = Vec::new();
    while answers.last().is_none_or(Option::is_none) && answers.len() < ORDERS {
        client.send(ORDER)?;
        answers.push(match received(&client) {
            Ok((answer, _)) => Some(String::from_utf8_lossy(&answer).into_owned()),
            // Linux calls a read that took too long WouldBlock.
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => return Err(error),
        });
    }
    Ok(answers)
}
