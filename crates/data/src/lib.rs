//! Datasets: file formats, task detection, splits, statistics and batches.
//!
//! [`open`] detects the format of a path (or `builtin:NAME`) and the task, decodes every sample once into a flat
//! store (in memory, or in a temporary memory-mapped file when it outgrows the limit) and splits it into
//! training, validation and test parts. [`Batches`] turns a [`Subset`] into an endless, seeded stream of batches.
//! [`open_like`] decodes other files the way an earlier dataset was decoded, given its [`Schema`].
//!
//! ```
//! use nasmyth_data::{Augment, Batches, OpenOptions, Subset, open};
//!
//! let data = open("builtin:mnist1d", &OpenOptions::default())?;
//! let mut batches = Batches::new(&data, Subset::Train, 32, &Augment::default(), 7);
//! let (mut x, mut y) = (vec![0.0; 32 * data.features().len()], vec![0.0; 32 * data.task().outputs()]);
//! batches.next(&mut x, &mut y);
//! assert_eq!(batches.position(), 32);
//! # Ok::<(), nasmyth_data::DataError>(())
//! ```

mod augment;
mod batches;
mod dataset;
mod error;
mod features;
pub mod formats;
mod labels;
mod npy;
mod pixels;
mod random;
mod samples;
mod schema;
mod sink;
mod source;
mod split;
mod statistics;
mod store;
pub mod table;

pub use augment::Augment;
pub use batches::Batches;
pub use dataset::{Dataset, OpenOptions, open};
pub use error::DataError;
pub use features::{Features, Subset, Task, TaskKind};
pub use formats::{FORMATS, Format};
pub use labels::{Label, Labels};
pub use random::Rng;
pub use samples::{Samples, open_like};
pub use schema::{Column, ColumnKind, Schema};
pub use sink::{Part, Sink};
pub use source::Source;
pub use split::Split;
pub use statistics::Statistics;
pub use store::{Element, Store};
