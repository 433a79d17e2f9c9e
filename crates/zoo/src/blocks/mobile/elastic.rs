//! Stages whose blocks are chosen one by one, as in ProxylessNAS and what followed it.

use super::table::{Blocks, inverted};
use crate::{Numbers, ZooError};

/// Most blocks of a stage.
const MOST: usize = 4;

/// Stages of inverted residuals from the numbers `depths`, `kernels` and `expansions`. A stage has four places in the lists of
/// kernels and expansions; `depths` says how many of them, from the first, are blocks. A stage after the last of `depths` has one
/// block and one place. `stages` holds each stage's first line but for kernel and expansion.
///
/// # Errors
/// A number of places that is not that of the stages, or an even kernel.
pub(crate) fn elastic(numbers: &Numbers, stages: &[Blocks]) -> Result<Vec<Vec<Blocks>>, ZooError> {
    let depths = numbers.sizes("depths")?;
    let (kernels, expansions) = (numbers.sizes("kernels")?, numbers.sizes("expansions")?);
    if kernels.iter().any(|k| k % 2 == 0) {
        return Err(numbers.wrong("kernels", "odd numbers"));
    }
    let mut places = kernels.into_iter().zip(expansions);
    let stage = |(i, line): (usize, &Blocks)| {
        let (room, depth) = depths.get(i).map_or((1, 1), |&depth| (MOST, depth));
        let block = |(kernel, expansion)| Blocks { kernel, expansion: expansion as f64, ..*line };
        let mut blocks: Vec<Blocks> = places.by_ref().take(room).map(block).collect();
        blocks.truncate(depth);
        blocks
    };
    Ok(stages.iter().enumerate().map(stage).collect())
}

/// A stage for [`elastic`].
pub(crate) const fn stage(out: usize, stride: usize) -> Blocks {
    inverted(3, 1.0, out).stride(stride)
}
