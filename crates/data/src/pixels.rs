//! Decoding of single images.
