//! The backend for GPUs: graphs as calls of Burn's tensors, gradients by its automatic differentiation.
//!
//! The interface is that of [`Plan`](crate::Plan): parameters, gradients and running statistics stay in flat arrays of the
//! machine's memory. A step sends parameters and samples to the device, and gets gradients, statistics, outputs and loss
//! back in one piece.

mod device;
mod memory;
mod ops;
mod plan;

pub(crate) use burn::tensor::Device;
pub(crate) use device::open;
pub(crate) use memory::GpuMemory;
pub(crate) use plan::GpuPlan;
