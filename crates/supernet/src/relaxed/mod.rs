//! Differentiable search: a continuous relaxation of the choices of a space.
