//! Prints what is at a path: `cargo run -p nasmyth-data --example describe -- PATH [TARGET]`.

use nasmyth_data::{OpenOptions, Subset, Task, open};
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "builtin:mnist1d".into());
    let options = OpenOptions { target: arguments.next(), ..OpenOptions::default() };
    let start = Instant::now();
    match open(&path, &options) {
        Err(error) => eprintln!("{error}"),
        Ok(data) => {
            let task = match data.task() {
                Task::Classification { classes } => format!("{} classes", classes.len()),
                Task::Regression { target } => format!("regression of {target}"),
            };
            let parts = [Subset::Train, Subset::Valid, Subset::Test].map(|part| data.len(part));
            println!("{} [{}]: {}; {task}; {parts:?}", data.name(), data.format(), data.features());
            println!("  {:.3} s, {}", start.elapsed().as_secs_f64(), data.fingerprint());
            data.notes().iter().for_each(|note| println!("  note: {note}"));
        }
    }
}
