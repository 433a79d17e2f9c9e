//! How good a network is: the trait that every way to find out implements, and programs of the user.

mod cached;
mod estimator;
mod external;
mod stop_flag;

pub use cached::Cached;
pub use estimator::{Estimate, EstimateError, Estimator, Fidelity, Job};
pub use external::{External, ExternalError, WriteOnnx};
pub use stop_flag::StopFlag;
