//! An event as a line of JSON. The schema, `docs/assist.schema.json`, is generated from this type.

use std::ops::Not;

use portlab_words::Lang;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Ended, Row, Way, What, hex};

/// A line of `portlab assist --json`: one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// What has happened.
    pub event: Name,
    /// When, in microseconds since the assistant's start.
    pub at_us: u64,
    /// The number of the client, or of the server: 1 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<u32>,
    /// The address of the peer; in `listening`, the assistant's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
    /// The number of bytes. In `folded` and `folded_sent`, of all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// The bytes in hex, without spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// The characters that end in this read or send. Control characters are pictures, malformed bytes are U+FFFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The encoding of `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Whether the first character began in the read or send before.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub begins_cut: bool,
    /// Whether the last character ends in the next read or send.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub ends_cut: bool,
    /// How many reads or sends were folded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What made the assistant send: `hand`, `rule 1`, `echo`, `every`, `file` or `replay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How the connection ended: `fin`, `reset`, `closed_here`, `closed_unread`, `reset_here`, `forgotten` (UDP) or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// The reason of a failure, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// The assistant waits for clients.
    Listening,
    /// A connection has begun. Over UDP: the first datagram from or to this address.
    Online,
    /// One read, or one datagram.
    Received,
    /// One send, or one datagram.
    Sent,
    /// Reads that came too fast to be reported one by one; their bytes are not kept.
    Folded,
    /// Sends that came too fast to be reported one by one; their bytes are not kept.
    FoldedSent,
    /// Something was not sent.
    Unsent,
    /// The peer's FIN; the own end stays open.
    Fin,
    /// The own FIN was sent.
    HalfClosed,
    /// The assistant no longer reads from this peer. Without `peer`: from all, including those that come later.
    Paused,
    /// The assistant reads again.
    Resumed,
    /// A connection has ended.
    Offline,
    /// Something failed that concerns no single peer.
    Trouble,
    /// The assistant has ended.
    #[default]
    Stopped,
}

impl Record {
    /// The record of a row.
    pub fn of(row: &Row) -> Self {
        let at_us = u64::try_from(row.at.as_micros()).unwrap_or(u64::MAX);
        let mut record = Self {
            at_us,
            peer: row.peer().map(|it| it.0),
            addr: row.addr.map(|it| it.to_string()),
            ..Self::default()
        };
        if let Some((_, bytes)) = row.what.bytes() {
            record.length = Some(bytes.len() as u64);
            record.hex = Some(hex(bytes).replace(' ', ""));
        }
        if let Some(reading) = row.readings.first() {
            record.text = Some(reading.characters());
            record.encoding = Some(reading.encoding.name().to_owned());
            record.begins_cut = reading.begins_cut;
            record.ends_cut = reading.ends_cut;
        }
        if let What::Unsent(_, why) | What::Offline(_, Ended::Failed(why)) | What::Trouble(why) =
            &row.what
        {
            record.message = Some(why.pick(Lang::En).to_owned());
        }
        record.event = record.fill(&row.what);
        record
    }

    /// Fills in what only this kind of event has; returns its name.
    fn fill(&mut self, what: &What) -> Name {
        match what {
            What::Listening(addr) => {
                self.addr = Some(addr.to_string());
                Name::Listening
            }
            What::Online { .. } => Name::Online,
            What::Received(..) => Name::Received,
            What::Sent(_, _, by) => {
                self.by = Some(by.to_string());
                Name::Sent
            }
            What::Folded {
                way, times, bytes, ..
            } => {
                self.times = Some(*times);
                self.length = Some(*bytes);
                match way {
                    Way::In => Name::Folded,
                    Way::Out => Name::FoldedSent,
                }
            }
            What::Unsent(..) => Name::Unsent,
            What::Fin(_) => Name::Fin,
            What::HalfClosed(_) => Name::HalfClosed,
            What::Paused(_) => Name::Paused,
            What::Resumed(_) => Name::Resumed,
            What::Offline(_, how) => {
                self.how = Some(how.name().to_owned());
                Name::Offline
            }
            What::Trouble(_) => Name::Trouble,
            What::Stopped => Name::Stopped,
        }
    }
}
