//! A chat: what the members that stay notice of one that has left.

use portlab_words::{Text, tr};

use super::{Experiment, Kind, Service, Trouble, subject::QUIET, talk::unreachable};

pub(super) const goes_on_when_a_member_leaves: Experiment = Experiment {
    about: [
        "goes on when a member of the chat has left",
        "一个成员下线以后，其他成员还能聊天",
    ],
    fits: |speech| speech.kind == Kind::Chat,
    names: &["sends-to-departed"],
    unless: &[
        "no-answer",
        "waits-for-input",
        "errors-swallowed",
        "crashes",
    ],
    run: |subject| {
        // Members of an experiment before have left.
        subject.restart();
        let mut leaver = subject.connect().ok_or_else(unreachable)?;
        let mut speaker = subject.connect().ok_or_else(unreachable)?;
        let mut listener = subject.partner_of(&mut speaker).map_err(|_| {
            Trouble::Skipped(Text::new(
                "three members at once don't get lines of each other",
                "三个成员同时在线时，收不到彼此的消息",
            ))
        })?;
        let left = leaver.number();
        // A client that closes with unread bytes would reset the connection.
        leaver.drain(QUIET);
        leaver.close();
        // The line may come before the end of the member that leaves; the second one comes later.
        let is_heard = ["first-line", "second-line"]
            .into_iter()
            .all(|line| subject.reaches(line, &mut speaker, &mut listener));
        if is_heard || subject.without_answer(Service::Deaf) == Service::Down {
            return Ok(());
        }
        subject.note(tr!(
            "before client {left} left, a line came; now none does",
            "客户端 {left} 下线以前能收到消息，现在收不到了"
        ));
        Err(Trouble::Bug("sends-to-departed"))
    },
    ..Experiment::ANY
};
