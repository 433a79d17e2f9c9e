//! What a network costs to run, and hard bounds on it. Costs are counted from the graph; [`models`] predict those that a device has to
//! be measured for, and a [`DeviceFile`] keeps them.
//!
//! ```
//! use nasmyth_device::{Costs, Limits, Meter};
//! let limits: Limits = "params<=100k, peak-memory<=256KiB".parse()?;
//! let graph = nasmyth_graph::parse("x = input(shape=[4])\ny = linear(x, out=3)\noutput y\n")?;
//! assert!(limits.check(&graph, &Meter::default()).is_empty());
//! assert_eq!(Costs::of(&graph).get("params"), Some(15));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cost;
mod device_file;
mod limit;
mod limits;
mod meter;
pub mod models;
mod objectives;
mod operators;
mod quantity;
mod score;

pub use cost::{COSTS, Cost, CostKind, Costs, DeviceCost, Unit, cost_named};
pub use device_file::{BEYOND, DeviceFile, DeviceFileError, Fit, Header};
pub use limit::{Limit, LimitError};
pub use limits::{Limits, Violation};
pub use meter::{Amount, Meter, MeterError};
pub use objectives::{Objectives, ObjectivesError};
pub use operators::{Operator, operators, operators_by_node};
pub use quantity::{format_quantity, parse_quantity};
pub use score::Score;
