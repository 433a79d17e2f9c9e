//! The side of the user: another machine, reached through OpenSSH.

mod address;
mod architecture;
mod error;
mod install;
mod runner_file;
mod runner_there;
mod session;
mod ssh;
mod target;

pub use address::{Address, AddressError};
pub use architecture::{ARCHITECTURES, Architecture};
pub use error::RemoteError;
pub use install::{Installed, architecture, check_folder, install};
pub use runner_file::RunnerFile;
pub use runner_there::RunnerThere;
pub use ssh::Ssh;
pub use target::Remote;
