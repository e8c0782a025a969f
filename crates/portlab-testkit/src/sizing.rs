//! How much work makes a message of a server cost more by a known factor.

use std::time::Duration;

/// How much longer each message must be worked on so that it costs `factor` times as much. `ratio` measures how
/// many times as much a message costs that is worked on for so much longer; the time is found along the line
/// through what no more and what half of `work` more cost.
///
/// # Errors
/// Those of `ratio`.
pub fn sized<E>(
    work: Duration,
    factor: f64,
    ratio: impl Fn(Duration) -> Result<f64, E>,
) -> Result<Duration, E> {
    let told = |more: Duration| {
        ratio(more).inspect(|ratio| println!("sizing: {more:?} more cost {ratio:.3} times as much"))
    };
    let half = work / 2;
    let slope = (told(half)? - 1.0) / half.as_secs_f64();
    let more = Duration::from_secs_f64((factor - 1.0) / slope);
    let missing = factor - told(more)?;
    let more = more.as_secs_f64() + missing / slope;
    Ok(Duration::from_secs_f64(more.max(0.0)))
}
