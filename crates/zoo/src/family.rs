//! What a family is.

use crate::{Knob, Net, Numbers, ZooError};

/// A published family of networks.
pub struct Family {
    /// Name.
    pub name: &'static str,
    /// What its networks are made of, in a sentence.
    pub doc: &'static str,
    /// Authors, year, title.
    pub paper: &'static str,
    /// What its networks read.
    pub data: Data,
    /// The numbers that make one of its networks.
    pub knobs: &'static [Knob],
    /// Its published networks; the first is the usual one.
    pub members: &'static [Member],
    /// Appends the network of these numbers, from the input to the answer.
    pub build: fn(&mut Net, &Numbers) -> Result<(), ZooError>,
}

/// What the networks of a family read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Square images; an answer for each image.
    Images,
    /// Square images; an answer for each pixel.
    Pixels,
    /// Rows of a token's number and its segment's number.
    Tokens,
}

/// A published network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name: that of timm, where timm has it.
    pub name: &'static str,
    /// Side of the images, or number of tokens, that it was published for.
    pub resolution: usize,
    /// Answers that it was published with.
    pub classes: usize,
    /// Its numbers, where they are not the family's defaults.
    pub numbers: &'static str,
}

impl Member {
    /// A member with the 1,000 classes of ImageNet.
    pub const fn new(name: &'static str, resolution: usize, numbers: &'static str) -> Self {
        Self { name, resolution, classes: 1000, numbers }
    }

    /// The same with another number of classes.
    pub const fn classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }
}
