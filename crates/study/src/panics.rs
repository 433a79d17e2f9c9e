//! Panics of trials: a reason in the log, not text on the terminal.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether this thread runs a trial.
    static IN_TRIAL: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of this thread's trial was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What `run` returns, or why it panicked. The panic prints nothing; panics of other threads print as before.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(silence_trials);
    IN_TRIAL.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IN_TRIAL.set(false);
    result.map_err(|panic| {
        let place = PLACE.take().map(|place| format!(" ({place})")).unwrap_or_default();
        format!("panic: {}{place}", message(&*panic))
    })
}

/// Puts a hook before the one that there is.
fn silence_trials() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        if IN_TRIAL.get() {
            PLACE.set(info.location().map(ToString::to_string));
        } else {
            before(info);
        }
    }));
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_reason_with_its_place() {
        assert_eq!(quietly(|| 3), Ok(3));
        let reason = quietly(|| -> u8 { panic!("odd number {}", 7) }).unwrap_err();
        assert!(reason.starts_with("panic: odd number 7 (") && reason.contains("panics.rs:"), "{reason}");
        assert_eq!(quietly(|| 4), Ok(4));
    }
}
