//! Published network families as generators: a few numbers in, a [`Graph`](nasmyth_graph::Graph) out.
//!
//! ```
//! let b0 = nasmyth_zoo::member("efficientnet_b0")?.graph(&Default::default())?.verify()?;
//! assert_eq!(b0.params(), 5_288_548);
//!
//! // Any other size of a family, from its numbers.
//! let slim = nasmyth_zoo::member("efficientnet_b0:width=0.5,depth=0.7")?;
//! assert!(slim.graph(&Default::default())?.verify()?.params() < 2_500_000);
//! # Ok::<(), nasmyth_zoo::ZooError>(())
//! ```

mod blocks;
mod error;
pub mod families;
mod family;
mod knob;
mod net;
mod network;
mod numbers;
mod rounding;
mod space;

pub use error::ZooError;
pub use families::FAMILIES;
pub use family::{Data, Family, Member};
pub use knob::{Domain, Knob};
pub use net::Net;
pub use network::{Input, Network, member, members};
pub use numbers::{Number, Numbers};
pub use rounding::{make_divisible, round_half_even};
pub use space::space;
