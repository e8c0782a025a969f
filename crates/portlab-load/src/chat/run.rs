//! One thread's loop over all members.

use std::{
    collections::HashMap,
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use portlab_sys::clock::{thread_cpu, thread_waited};

use super::{
    ChatOutcome, ChatPlan,
    crowd::{Heard, Member, write_message},
    history::{History, Message},
};
use crate::{
    Cause, Ended, Endings, Interval, Latency, Pace, Phase, Progress, RunError, Sample, Tally,
    Watch, account,
    again::{Again, SLICE},
    conn::Broken,
    pace::{Part, Schedule},
    timers::Alarm,
};

/// Carries out `plan`, with `watch` looking on, and returns what was measured and what was found.
///
/// # Errors
/// When the plan can't be carried out on this machine, or not all members get in.
pub fn run_chat(plan: &ChatPlan, watch: &mut dyn Watch) -> Result<ChatOutcome, RunError> {
    plan.check()?;
    let mut chat = Chat::new(plan, watch)?;
    let began = Instant::now();
    let all_are_in = chat.let_everybody_in()?;
    chat.outcome.members = chat.is_in;
    if all_are_in {
        chat.outcome.connect_phase = began.elapsed();
        if chat.watch.connected(chat.is_in) {
            chat.measure()?;
        }
    }
    chat.outcome.tally = chat.tally;
    // If the user ends a run, messages are still on their way.
    if chat.outcome.ended != Ended::Interrupted {
        let members = std::mem::take(&mut chat.members);
        let is_lost = |member: usize| members[member].is_none();
        chat.history.end(&chat.said, is_lost);
    }
    (chat.outcome.violations, chat.outcome.first_violations) = chat.history.violations();
    Ok(chat.outcome)
}

/// How many members get in at once.
const AT_ONCE: usize = 32;
/// How long the thread waits for events at most.
const TICK: Duration = Duration::from_millis(50);
/// How many messages are sent at most before the thread looks at what has come.
const BURST: usize = 256;
/// The alarm's token.
const ALARM: Token = Token(usize::MAX);

/// A chat under load.
struct Chat<'a> {
    plan: &'a ChatPlan,
    watch: &'a mut dyn Watch,
    poll: Poll,
    alarm: Alarm,
    /// The members that are visited again without an event of the poller.
    again: Again,
    began: Instant,
    members: Vec<Option<Member>>,
    is_in: usize,
    history: History,
    random: fastrand::Rng,
    /// How many messages have been sent.
    count: u64,
    /// When measuring began, counted from `began`.
    measuring_since: Option<Duration>,
    /// How many messages each member has sent.
    said: HashMap<usize, u64>,
    /// How many messages may be on their way.
    most: usize,
    /// Messages on their way: when each was due, and how many members have still to receive it.
    under_way: HashMap<Message, (u64, usize)>,
    schedule: Option<Schedule>,
    outcome: ChatOutcome,
    tally: Tally,
    /// When a member last received a message, or the load began.
    last_heard: Instant,
    /// When [`Watch::tick`] was last called.
    ticked: Instant,
    /// What belongs to the next interval.
    piece: Piece,
    buffer: Box<[u8]>,
}

/// What has happened since the last interval ended.
#[derive(Default)]
struct Piece {
    from: Duration,
    messages: u64,
    errors: u64,
    fan_out: Latency,
    lag: Latency,
    cpu: Duration,
}

impl<'a> Chat<'a> {
    fn new(plan: &'a ChatPlan, watch: &'a mut dyn Watch) -> io::Result<Self> {
        let poll = Poll::new()?;
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        Ok(Self {
            plan,
            watch,
            poll,
            alarm,
            again: Again::new(plan.members),
            began: Instant::now(),
            members: (0..plan.members).map(|_| None).collect(),
            is_in: 0,
            history: History::new(plan.members, plan.rooms),
            random: fastrand::Rng::with_seed(plan.seed),
            count: 0,
            measuring_since: None,
            said: HashMap::new(),
            most: plan.most_under_way(),
            under_way: HashMap::new(),
            schedule: None,
            outcome: ChatOutcome::empty(),
            tally: Tally::default(),
            last_heard: Instant::now(),
            ticked: Instant::now(),
            piece: Piece::default(),
            buffer: vec![0; 64 * 1024].into(),
        })
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// Connects all members, gives them names and sends them to their rooms; returns whether all got in.
    fn let_everybody_in(&mut self) -> io::Result<bool> {
        let mut events = Events::with_capacity(1024);
        let mut next = 0;
        let mut last_came = Instant::now();
        while self.is_in < self.plan.members {
            while next < self.plan.members && next < self.is_in + AT_ONCE {
                let who = (next, next % self.plan.rooms, next % self.plan.tongues.len());
                let through = self.plan.through.as_ref();
                let addr = through.map_or(self.plan.target, |it| it.addr);
                match Member::connect(addr, self.plan.run, who, self.poll.registry()) {
                    Ok(member) => self.members[next] = Some(member),
                    Err(error) => {
                        self.tally.add_io(Phase::Connect, &error);
                        return Ok(false);
                    }
                }
                next += 1;
            }
            let before = self.is_in;
            self.turn(&mut events, TICK)?;
            self.tick(0.0, None);
            if self.is_in > before {
                last_came = Instant::now();
            }
            if self.watch.interrupted() {
                self.outcome.ended = Ended::Interrupted;
                return Ok(false);
            }
            let waited = last_came.elapsed();
            let mut members = self.members.iter().flatten();
            if waited > self.plan.connect_timeout && members.any(Member::connects) {
                self.tally.add(Phase::Connect, Cause::TimedOut);
            } else if waited > self.plan.timeout {
                self.tally.add(Phase::Greeting, Cause::TimedOut);
            }
            if self.tally.total() > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn measure(&mut self) -> io::Result<()> {
        self.began = Instant::now();
        self.last_heard = self.began;
        if let Pace::Open {
            rate_per_s,
            arrivals,
        } = self.plan.pace
        {
            let alone = Part {
                thread: 0,
                threads: 1,
                connections: 1,
            };
            let schedule = Schedule::new(arrivals, rate_per_s, alone, self.plan.seed, 0);
            self.schedule = Some(schedule);
        }
        let mut events = Events::with_capacity(1024);
        let warmup = self.plan.warmup();
        self.outcome.ended = if warmup.is_zero() {
            Ended::Done
        } else {
            self.talk(Some(warmup), &mut events)?
        };
        let before = (self.outcome.messages, self.outcome.deliveries);
        if self.outcome.ended == Ended::Done {
            self.measure_between_marks(&mut events)?;
        }
        let after = (self.outcome.messages, self.outcome.deliveries);
        self.drain(&mut events)?;
        // Messages before or after measuring belong to the history, but to no rate.
        self.outcome.messages = after.0 - before.0;
        self.outcome.deliveries = after.1 - before.1;
        self.watch.drained();
        Ok(())
    }

    fn measure_between_marks(&mut self, events: &mut Events) -> io::Result<()> {
        self.watch.begin();
        let (cpu, waited) = (thread_cpu(), thread_waited());
        let mut since = self.began.elapsed();
        // Without a warm-up, the first message is due when measuring begins.
        if self.plan.warmup().is_zero() {
            (self.began, since) = (Instant::now(), Duration::ZERO);
        }
        self.measuring_since = Some(since);
        self.outcome.endings.measuring_since = Some(since.as_nanos() as u64);
        self.piece = Piece {
            from: since,
            cpu,
            ..Piece::default()
        };
        let until = self.plan.stop.after.map(|time| since.saturating_add(time));
        self.outcome.ended = self.talk(until, events)?;
        self.outcome.elapsed = self.began.elapsed() - since;
        // Reading the server's clocks in `end` costs CPU that isn't the load's.
        self.outcome.generator_cpu = thread_cpu() - cpu;
        self.outcome.generator_waited = thread_waited() - waited;
        self.watch.end();
        self.tell_interval();
        Ok(())
    }

    /// Sends and receives until this long after `began`. It ends earlier when all messages have reached
    /// their rooms, when none has come for the timeout, or when something ends the run.
    fn talk(&mut self, until: Option<Duration>, events: &mut Events) -> io::Result<Ended> {
        loop {
            let elapsed = self.began.elapsed();
            let over = until.is_some_and(|until| elapsed >= until);
            if over || (self.count == self.total() && self.under_way.is_empty()) {
                return Ok(Ended::Done);
            }
            // After the timeout, messages on their way count as lost.
            let silent = self.last_heard.elapsed() > self.plan.timeout;
            if silent && !self.under_way.is_empty() {
                return Ok(Ended::Done);
            }
            if self.watch.interrupted() {
                return Ok(Ended::Interrupted);
            }
            if self.all_senders_lost() {
                return Ok(Ended::NobodyLeft);
            }
            let most = self.plan.stop.errors.unwrap_or(u64::MAX);
            if self.tally.total() > most {
                return Ok(Ended::TooManyErrors);
            }
            let sleep = self.say_what_is_due()?;
            self.turn(events, sleep)?;
            if self.measuring_since.is_some() && elapsed >= self.piece.from + self.plan.interval {
                self.tell_interval();
            }
            self.tick(self.share(elapsed), None);
        }
    }

    /// Messages per second that are asked for; infinite unless the loop is open.
    fn rate_per_s(&self) -> f64 {
        self.plan.pace.rate_per_s().unwrap_or(f64::INFINITY)
    }

    /// How many messages are to be sent in all.
    fn total(&self) -> u64 {
        self.plan.stop.messages.unwrap_or(u64::MAX)
    }

    /// The share of the warm-up and the measuring that is over after `elapsed`.
    fn share(&self, elapsed: Duration) -> f64 {
        let by_time = self.plan.stop.after.map_or(0.0, |after| {
            elapsed.as_secs_f64() / (self.plan.warmup() + after).as_secs_f64()
        });
        let by_count = self.count as f64 / self.total() as f64;
        by_count.max(by_time).min(1.0)
    }

    /// Whether every member that sends messages is lost.
    fn all_senders_lost(&self) -> bool {
        self.members[self.plan.rooms..].iter().all(Option::is_none)
    }

    /// Sends some of the messages that are due; returns how long the thread may sleep.
    fn say_what_is_due(&mut self) -> io::Result<Duration> {
        for _ in 0..BURST {
            if self.count == self.total() || self.under_way.len() >= self.most {
                return Ok(TICK);
            }
            let now = self.now();
            let due = match &mut self.schedule {
                None => now,
                Some(schedule) if schedule.next() <= now => schedule.pop(),
                Some(schedule) => {
                    self.alarm.set(schedule.next(), now)?;
                    return Ok(TICK);
                }
            };
            if self.schedule.is_some() && self.is_measured(due) {
                self.piece.lag.record(now - due);
                self.outcome.pacing_lag.record(now - due);
            }
            self.count += 1;
            self.say(due);
        }
        Ok(Duration::ZERO)
    }

    /// A member chosen at random sends a message.
    fn say(&mut self, due: u64) {
        // The first members observe their rooms, and send nothing.
        let from = self.random.usize(self.plan.rooms..self.plan.members);
        let Some(member) = &mut self.members[from] else {
            return;
        };
        let number = self.said.entry(from).or_default();
        let message = Message {
            from,
            number: *number,
        };
        *number += 1;
        let tongue = &self.plan.tongues[from % self.plan.tongues.len()];
        let text = write_message(message.number, &tongue.filler);
        let audience = self.history.audience(from);
        self.under_way.insert(message, (due, audience));
        if let Err(broken) = member.say(&text) {
            self.lose(from, broken);
        }
    }

    /// Waits for events, and receives what has come, for [`SLICE`]. A member whose turn doesn't come is listed.
    fn turn(&mut self, events: &mut Events, sleep: Duration) -> io::Result<()> {
        let sleep = match self.again.len() {
            0 => sleep,
            _ => Duration::ZERO,
        };
        match self.poll.poll(events, Some(sleep)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let until = self.now() + SLICE;
        for _ in 0..self.again.len() {
            if self.now() < until
                && let Some(member) = self.again.pop()
            {
                self.hear(member as usize, true);
            }
        }
        for event in events.iter().filter(|event| event.token() != ALARM) {
            match self.now() < until {
                true => self.hear(event.token().0, event.is_read_closed()),
                false => self.again.push(event.token().0 as u32),
            }
        }
        Ok(())
    }

    fn hear(&mut self, number: usize, ended: bool) {
        let Some(mut member) = self.members[number].take() else {
            return;
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let heard = member.visit(&mut buffer, &self.plan.tongues, ended, |heard| {
            self.take_in(number, heard);
        });
        self.buffer = buffer;
        match heard {
            Ok(more) => {
                self.members[number] = Some(member);
                if more {
                    self.again.push(number as u32);
                }
            }
            Err(broken) => self.lose(number, broken),
        }
    }

    fn take_in(&mut self, member: usize, heard: Heard<'_>) {
        let message = match heard {
            Heard::IsIn => {
                self.is_in += 1;
                return;
            }
            Heard::Refused => return self.tally.add(Phase::Greeting, Cause::Refused),
            Heard::Garbled(line) => {
                self.tally.keep_wrong(line);
                return self.history.garbled(member);
            }
            Heard::NoChat(line) => {
                self.tally.keep_wrong(line);
                return self.tally.add(Phase::Greeting, Cause::NoChat);
            }
            Heard::NoEnd(line) => return self.tally.keep_wrong(line),
            Heard::Stranger(line) => {
                self.outcome.strangers += 1;
                let first = &mut self.outcome.first_stranger;
                first.get_or_insert_with(|| Sample::of(line, Tally::SAMPLE));
                return;
            }
            Heard::Message(message) => message,
        };
        // The clock is read for each message: an older time would make later messages look fast.
        let now = self.now();
        let said = self.said.get(&message.from).copied().unwrap_or_default();
        if !self.history.heard(member, message, said) {
            return;
        }
        let Some((due, left)) = self.under_way.get_mut(&message) else {
            return;
        };
        let (due, left) = (*due, {
            *left -= 1;
            *left
        });
        self.last_heard = self.began + Duration::from_nanos(now);
        self.outcome.deliveries += 1;
        let measured = self.is_measured(due);
        if measured {
            self.outcome.delivery.record(now - due);
        }
        if left == 0 {
            self.under_way.remove(&message);
            self.outcome.messages += 1;
            self.piece.messages += 1;
            if measured {
                self.outcome.fan_out.record(now - due);
                self.piece.fan_out.record(now - due);
            }
        }
    }

    /// Whether a message became due while measuring. The time of a message of the warm-up may include
    /// the reading of the server's clocks at its end.
    fn is_measured(&self, due: u64) -> bool {
        self.measuring_since
            .is_some_and(|since| u128::from(due) >= since.as_nanos())
    }

    fn lose(&mut self, number: usize, broken: Broken) {
        self.members[number] = None;
        self.piece.errors += 1;
        if broken.is_the_servers_end() {
            let now = self.now();
            self.outcome.endings.close(0, now);
        }
        broken.count_in(&mut self.tally);
    }

    /// Waits until all messages have reached their rooms.
    fn drain(&mut self, events: &mut Events) -> io::Result<()> {
        if let (Some(schedule), Some(since)) = (&self.schedule, self.measuring_since) {
            let until = (since + self.outcome.elapsed).as_nanos() as u64;
            // Messages that the warm-up left unsent aren't measured.
            let early = schedule.due_before(since.as_nanos() as u64);
            let due = schedule.due_before(until.max(1)).saturating_sub(early);
            self.outcome.due_not_sent = due.min(self.total() - self.count);
        }
        let deadline = self.last_heard + self.plan.timeout;
        while !self.under_way.is_empty() && !self.watch.interrupted() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.all_senders_lost() {
                break;
            }
            self.turn(events, TICK.min(left))?;
            self.tick(1.0, Some(left));
        }
        self.outcome.unheard = self.under_way.len() as u64;
        let it = &self.outcome;
        let due = it.fan_out.count() + it.unheard + it.due_not_sent;
        let counted = self.plan.stop.messages.is_some();
        self.outcome.by_rate = account::time_of(due, self.rate_per_s(), it.elapsed, counted);
        // A message that comes now is one too many.
        self.turn(events, TICK)
    }

    fn tick(&mut self, share: f64, waiting: Option<Duration>) {
        // The watch may draw a screen.
        if self.ticked.elapsed() < TICK {
            return;
        }
        self.ticked = Instant::now();
        let progress = Progress {
            share,
            waiting,
            dialled: self.is_in as u64,
            answered: self.outcome.messages,
            errors: self.tally.total(),
        };
        self.watch.tick(&progress);
    }

    fn tell_interval(&mut self) {
        let to = self.began.elapsed();
        let cpu = thread_cpu();
        let piece = std::mem::replace(
            &mut self.piece,
            Piece {
                from: to,
                cpu,
                ..Piece::default()
            },
        );
        let length = (to - piece.from).as_secs_f64().max(f64::MIN_POSITIVE);
        let since = self.measuring_since.unwrap_or_default();
        self.watch.interval(&Interval {
            from: piece.from.saturating_sub(since),
            to: to - since,
            rate_per_s: self.rate_per_s(),
            messages: piece.messages,
            latency: piece.fan_out,
            uncorrected: Latency::new(),
            pacing_lag: piece.lag,
            errors: piece.errors,
            open: self.members.iter().flatten().count(),
            in_flight: self.under_way.len() as u64,
            generator_cpu_share: ((cpu - piece.cpu).as_secs_f64() / length).min(1.0),
        });
    }
}

impl ChatOutcome {
    /// The outcome of a run in which nothing has happened.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            members: 0,
            connect_phase: Duration::ZERO,
            messages: 0,
            unheard: 0,
            due_not_sent: 0,
            deliveries: 0,
            elapsed: Duration::ZERO,
            by_rate: Duration::ZERO,
            fan_out: Latency::new(),
            delivery: Latency::new(),
            pacing_lag: Latency::new(),
            tally: Tally::default(),
            violations: 0,
            first_violations: Vec::new(),
            strangers: 0,
            first_stranger: None,
            endings: Endings::default(),
            generator_cpu: Duration::ZERO,
            generator_waited: Duration::ZERO,
            ended: Ended::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, RunId, Stop};

    #[test]
    fn only_what_the_server_ended_is_counted_as_closed_by_it() {
        let target = "127.0.0.1:1".parse().unwrap();
        let plan = ChatPlan {
            target,
            through: None,
            members: 2,
            rooms: 1,
            pace: Pace::Closed,
            depth: 1,
            tongues: Vec::new(),
            warmup: Duration::ZERO,
            stop: Stop::messages(1),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            seed: 1,
            run: RunId::random(),
            interval: Plan::new(target).interval,
        };
        let mut watch = ();
        let mut chat = Chat::new(&plan, &mut watch).unwrap();
        use io::ErrorKind::{
            BrokenPipe, ConnectionRefused, ConnectionReset, HostUnreachable, TimedOut,
            UnexpectedEof,
        };
        for (kind, closed) in [
            (ConnectionReset, 1),
            (BrokenPipe, 2),
            (UnexpectedEof, 3),
            (ConnectionRefused, 3),
            (TimedOut, 3),
            (HostUnreachable, 3),
        ] {
            chat.lose(0, Broken::Io(Phase::Receive, kind.into()));
            assert_eq!(chat.outcome.endings.closed, closed, "{kind:?}");
        }
        assert_eq!(chat.tally.total(), 6, "all of them are errors");
    }
}
