//! The command line of Nasmyth.

fn main() {}
