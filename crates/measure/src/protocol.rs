//! How readings are taken.

use std::time::{Duration, Instant};

/// A reading takes this many times the smallest step of the clock, so that the clock contributes a thousandth.
const CLOCK_STEPS: u32 = 1000;
/// Runs of the warm-up, however long they take: weights are paged in, pools of memory filled, branches learned.
const WARM_UP_RUNS: usize = 3;
/// Readings, however long they take: fewer have no 95 % interval.
const LEAST: usize = 6;
/// Readings, however short they are: the memory for more is better used otherwise.
const MOST: usize = 1 << 20;

/// Readings in the order of time.
#[derive(Clone, Debug)]
pub struct Series {
    /// Seconds per run. Each is the mean of `group` runs.
    pub seconds: Vec<f64>,
    /// Runs of a reading.
    pub group: usize,
}

/// Runs for about `time`: a tenth of it to warm up, the rest in readings. `pause` is called between readings, about twenty times.
///
/// A few runs are made in any case, so a run that takes long takes more than `time`.
///
/// # Errors
/// Those of `run`.
pub fn take<E>(
    time: Duration,
    mut run: impl FnMut() -> Result<(), E>,
    mut pause: impl FnMut(),
) -> Result<Series, E> {
    let begun = Instant::now();
    let shortest = warm_up(time / 10, &mut run)?;
    let group = group(time, shortest);
    let mut seconds = Vec::new();
    let mut next_pause = time / 20;
    while seconds.len() < LEAST || (begun.elapsed() < time && seconds.len() < MOST) {
        let start = Instant::now();
        for _ in 0..group {
            run()?;
        }
        seconds.push(start.elapsed().as_secs_f64() / group as f64);
        if begun.elapsed() >= next_pause {
            pause();
            next_pause = begun.elapsed() + time / 20;
        }
    }
    Ok(Series { seconds, group })
}

/// The shortest of the runs.
fn warm_up<E>(time: Duration, run: &mut impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let begun = Instant::now();
    let (mut runs, mut shortest) = (0, Duration::MAX);
    while runs < WARM_UP_RUNS || begun.elapsed() < time {
        let start = Instant::now();
        run()?;
        shortest = shortest.min(start.elapsed());
        runs += 1;
    }
    Ok(shortest)
}

/// Runs of a reading, when one run takes `shortest`.
fn group(time: Duration, shortest: Duration) -> usize {
    let reading = (clock_step() * CLOCK_STEPS).max(time / MOST as u32);
    let runs = reading.as_secs_f64() / shortest.max(Duration::from_nanos(1)).as_secs_f64();
    runs.ceil().max(1.0) as usize
}

/// The smallest difference that two looks at the clock show.
fn clock_step() -> Duration {
    let step = |_| {
        let start = Instant::now();
        loop {
            let step = start.elapsed();
            if !step.is_zero() {
                return step;
            }
        }
    };
    (0..64).map(step).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn short_runs_are_grouped_well_above_the_clock() {
        let mut runs = 0;
        let run = || -> Result<(), Infallible> {
            runs += 1;
            std::hint::black_box(&runs);
            Ok(())
        };
        let mut pauses = 0;
        let series = take(Duration::from_millis(40), run, || pauses += 1).unwrap();
        assert!(series.group >= 10, "{}", series.group);
        assert!(series.seconds.len() >= LEAST && series.seconds.iter().all(|s| *s > 0.0));
        assert!(runs >= WARM_UP_RUNS + series.seconds.len() * series.group);
        assert!((1..=20).contains(&pauses), "{pauses}");
    }

    #[test]
    fn long_runs_are_read_one_by_one_and_often_enough() {
        let run = || -> Result<(), Infallible> {
            std::thread::sleep(Duration::from_millis(5));
            Ok(())
        };
        let series = take(Duration::from_millis(1), run, || ()).unwrap();
        assert_eq!((series.group, series.seconds.len()), (1, LEAST));
        assert!(series.seconds.iter().all(|s| *s >= 0.005));
    }

    #[test]
    fn the_first_failure_ends_it() {
        let mut left = 10;
        let run = || {
            left -= 1;
            if left > 0 { Ok(()) } else { Err("broken") }
        };
        assert_eq!(take(Duration::from_secs(60), run, || ()).unwrap_err(), "broken");
    }

    #[test]
    fn a_long_time_of_short_runs_has_a_bounded_number_of_readings() {
        assert!(group(Duration::from_secs(1 << 20), Duration::from_millis(1)) >= 1000);
    }
}
