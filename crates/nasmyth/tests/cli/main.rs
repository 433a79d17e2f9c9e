//! The program as a person uses it: naive, hostile and interrupted.

#![cfg(unix)]

mod bad_input;
mod bench;
mod cache;
mod damage;
mod determinism;
mod device;
mod disk;
mod engine;
mod external;
mod front;
mod inspect;
mod interruption;
mod language_model;
mod latency;
mod place;
mod relaxed;
mod remote;
mod round_trip;
mod supernet;
mod zoo;
