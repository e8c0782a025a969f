//! How much more work makes a message of a server cost a given factor more.

use std::time::Duration;

/// Returns the time that the work on each message must grow by so that a message costs `factor` times as much. `ratio`
/// measures how many times as much a message costs if the work grows by a given time. The search follows the straight line
/// through the ratios for 0 and for half of `work`.
///
/// # Errors
/// Those of `ratio`.
pub fn sized<E>(
    work: Duration,
    factor: f64,
    ratio: impl Fn(Duration) -> Result<f64, E>,
) -> Result<Duration, E> {
    let measure = |more: Duration| {
        ratio(more).inspect(|ratio| println!("sizing: {more:?} more cost {ratio:.3} times as much"))
    };
    let half = work / 2;
    let slope = (measure(half)? - 1.0) / half.as_secs_f64();
    let more = Duration::from_secs_f64((factor - 1.0) / slope);
    let missing = factor - measure(more)?;
    let more = more.as_secs_f64() + missing / slope;
    Ok(Duration::from_secs_f64(more.max(0.0)))
}
