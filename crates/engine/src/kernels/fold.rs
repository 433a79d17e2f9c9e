//! Adding what belongs to windows to where the windows lie.

use super::window::Window;
use crate::Real;

/// The channels of a group within those of the value.
#[derive(Clone, Copy)]
pub(crate) struct Channels {
    pub all: usize,
    pub first: usize,
    pub count: usize,
}

/// Row `ox` of `columns` holds, tap after tap, the channels under the window at `ox` of output line `oy` of an image: adds each to where it came from.
/// What lies in the padding is dropped.
#[inline(always)]
pub(crate) fn fold<T: Real>(w: &Window, oy: usize, columns: &[T], c: Channels, dx: &mut [T]) {
    let row_len = w.area() * c.count;
    let dense = c.count == c.all && w.dilation[1] == 1;
    for ky in 0..w.kernel[0] {
        let Some(y) = w.tap(0, oy, ky) else { continue };
        let taps = ky * w.kernel[1] * c.count;
        let target = &mut dx[y * w.size[1] * c.all..][..w.size[1] * c.all];
        for (ox, row) in columns.chunks_exact(row_len).enumerate() {
            let row = &row[taps..taps + w.kernel[1] * c.count];
            let start = (ox * w.stride[1]).wrapping_sub(w.pad[1]);
            if dense && start < w.size[1] && start + w.kernel[1] <= w.size[1] {
                let target = &mut target[start * c.all..][..w.kernel[1] * c.all];
                target.iter_mut().zip(row).for_each(|(t, &v)| *t += v);
                continue;
            }
            for (kx, cell) in row.chunks_exact(c.count).enumerate() {
                let Some(at) = w.tap(1, ox, kx) else { continue };
                let target = &mut target[at * c.all + c.first..][..c.count];
                target.iter_mut().zip(cell).for_each(|(t, &v)| *t += v);
            }
        }
    }
}
