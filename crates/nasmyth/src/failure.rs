//! Failures that have an exit code of their own.

use std::fmt::Write;
use thiserror::Error;

/// No network of the space keeps the limits.
///
/// ```
/// use nasmyth::{Infeasible, Request, Search};
///
/// let request = Request::default().set("data.path", Some("builtin:mnist1d")).set("limits", Some("params<=10"));
/// let folder = std::env::temp_dir().join("nasmyth-infeasible");
/// let error = Search::create(&folder, &request).err().expect("no network is that small");
/// assert!(error.is::<Infeasible>());
/// println!("{error}"); // names the limit that binds and the smallest network
/// ```
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Infeasible(pub String);

/// The run was stopped and can be taken up again, by what it says.
///
/// ```no_run
/// use nasmyth::{Interrupted, Search, Silent, estimator::StopFlag};
///
/// let stop = StopFlag::new();
/// stop.raise(); // from a signal handler, say
/// let error = Search::resume("runs/mnist1d".as_ref(), None)?.run(&mut Silent, &stop).err();
/// assert!(error.is_some_and(|e| e.is::<Interrupted>()));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Error)]
#[error("interrupted; nothing that was finished is lost: {0}")]
pub struct Interrupted(pub String);

/// A failure in words: what, and its causes, each said once.
pub fn explanation(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = cause.trim_end();
        if text.is_empty() {
            text.push_str(cause);
        } else if !text.contains(cause) {
            let _ = write!(text, ": {cause}"); // writing to a string does not fail
        }
    }
    text
}

/// The exit code for a failure: 3 no feasible network, 4 interrupted with the run resumable, 2 anything else that is wrong with
/// usage or input. (0 is success and 1 a bug.)
///
/// ```
/// use nasmyth::{Infeasible, exit_code};
///
/// assert_eq!(exit_code(&anyhow::anyhow!("no such file")), 2);
/// assert_eq!(exit_code(&Infeasible("params<=10".to_owned()).into()), 3);
/// ```
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Infeasible>() {
        3
    } else if error.is::<Interrupted>() {
        4
    } else {
        2
    }
}
