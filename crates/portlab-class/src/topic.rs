//! The newest value of something, for every browser that watches.
//!
//! A topic has no queue: a browser that is slow gets the newest value when it is ready again, and no other browser waits.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::watch;

/// A value as JSON. A subscriber gets the current value, and then the newest one whenever the subscriber is ready.
#[derive(Debug)]
pub(crate) struct Topic {
    sender: watch::Sender<Arc<str>>,
}

impl Default for Topic {
    fn default() -> Self {
        Self {
            sender: watch::Sender::new("null".into()),
        }
    }
}

impl Topic {
    /// Publishes `value`, unless it is the current value.
    pub(crate) fn publish(&self, value: &impl Serialize) {
        // Every value is a type of this crate, with text keys.
        let json = serde_json::to_string(value).expect("the type can be written as JSON");
        self.sender.send_if_modified(|now| {
            let is_new = **now != *json;
            if is_new {
                *now = json.into();
            }
            is_new
        });
    }

    /// The current value, as JSON.
    pub(crate) fn json(&self) -> Arc<str> {
        self.sender.borrow().clone()
    }

    /// The current value, for another part of the page; `None` before the first one.
    pub(crate) fn now<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.sender.borrow()).ok()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<str>> {
        self.sender.subscribe()
    }

    /// Whether a browser watches: a part with costly values may pause without one.
    pub(crate) fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_gets_the_newest_value_only() {
        let topic = Topic::default();
        let mut seen = topic.subscribe();
        for number in 1..=3 {
            topic.publish(&number);
        }
        assert!(seen.has_changed().unwrap());
        assert_eq!(&**seen.borrow_and_update(), "3");
        assert_eq!(topic.now::<u32>(), Some(3));
        topic.publish(&3);
        assert!(!seen.has_changed().unwrap());
    }
}
