//! Search spaces: what can be built.
//!
//! A [`Space`] is a tree of choices, repeats and ranges ([`Tree`]) and a way to lower what was chosen to a
//! [`Graph`](nasmyth_graph::Graph). It comes from one of three places: the presets in [`spaces`], a TOML file
//! ([`from_toml`], see [`language`]), or Rust code ([`Space::new`]).
//!
//! ```
//! use nasmyth_space::{Context, Rng, preset};
//! use rand::SeedableRng;
//! let space = preset("auto", &Context::image(28, 28, 1, 10))?;
//! let mut rng = Rng::seed_from_u64(0);
//! let genotype = space.sample(&mut rng);
//! let graph = space.lower(&genotype)?.verify()?;
//! println!("{genotype}: {} parameters\n{}", graph.params(), space.describe(&genotype)?);
//! # Ok::<(), nasmyth_space::SpaceError>(())
//! ```

mod context;
mod domain;
mod encoding;
mod ensemble;
mod enumeration;
mod error;
mod genotype;
pub mod language;
mod members;
mod network;
mod places;
mod reader;
mod slots;
mod space;
pub mod spaces;
mod tree;
mod value;
mod variation;

pub use context::{Context, Shape};
pub use ensemble::{MOST_MEMBERS, place};
pub use error::SpaceError;
pub use genotype::{Gene, Genotype};
pub use language::from_toml;
pub use network::{Columns, Network};
pub use places::Scale;
pub use reader::Reader;
pub use space::{GeneInfo, Space};
pub use spaces::{PRESETS, Preset, preset};
pub use tree::Tree;
pub use value::Value;

/// The random generator of all searches: small, fast, seedable, the same on every machine (Blackman and Vigna 2021).
pub type Rng = rand_xoshiro::Xoshiro256PlusPlus;
