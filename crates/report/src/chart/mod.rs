//! Small SVG charts: a frame with two axes, and marks in it.

mod axis;
mod frame;

pub(crate) use axis::Axis;
pub(crate) use frame::Chart;
