//! Operators that slide windows, by their definitions.

use super::{Array, reduce};
use nasmyth_graph::ops::{BlurPool, Conv, ConvTranspose, MaxUnpool, Pool};

/// One or two spatial axes as two: a series is an image of height 1.
fn two<T: Copy>(v: &[T], one: T) -> [T; 2] {
    if v.len() == 1 { [one, v[0]] } else { [v[0], v[1]] }
}

pub fn conv(op: &Conv, x: &Array, shape: &[usize], w: &[f64], bias: Option<&[f64]>) -> Array {
    let (size, out) = (two(&x.shape[..x.shape.len() - 1], 1), two(&shape[..shape.len() - 1], 1));
    let (k, s, d) = (two(&op.kernel, 1), two(&op.stride, 1), two(&op.dilation, 1));
    let pad = two(&op.pad[..op.kernel.len()], 0);
    let (channels, per_group, per_out) = (x.channels(), x.channels() / op.groups, op.out / op.groups);
    let mut data = Vec::new();
    for (oy, ox) in (0..out[0]).flat_map(|y| (0..out[1]).map(move |x| (y, x))) {
        for o in 0..op.out {
            let mut sum = bias.map_or(0.0, |b| b[o]);
            for (ky, kx) in (0..k[0]).flat_map(|y| (0..k[1]).map(move |x| (y, x))) {
                let (iy, ix) = (
                    (oy * s[0] + ky * d[0]).wrapping_sub(pad[0]),
                    (ox * s[1] + kx * d[1]).wrapping_sub(pad[1]),
                );
                if iy >= size[0] || ix >= size[1] {
                    continue;
                }
                for i in 0..per_group {
                    let value = x.data[(iy * size[1] + ix) * channels + o / per_out * per_group + i];
                    sum += value * w[((ky * k[1] + kx) * per_group + i) * op.out + o];
                }
            }
            data.push(sum);
        }
    }
    Array { shape: shape.to_vec(), data }
}

pub fn pool(op: &Pool, x: &Array, shape: &[usize]) -> Array {
    let (size, out) = (two(&x.shape[..x.shape.len() - 1], 1), two(&shape[..shape.len() - 1], 1));
    let (k, s, pad) = (two(&op.kernel, 1), two(&op.stride, 1), two(&op.pad[..op.kernel.len()], 0));
    let mut data = Vec::new();
    for (oy, ox) in (0..out[0]).flat_map(|y| (0..out[1]).map(move |x| (y, x))) {
        for c in 0..x.channels() {
            let taps = (0..k[0]).flat_map(|y| (0..k[1]).map(move |x| (y, x)));
            let at = |(ky, kx): (usize, usize)| {
                let (iy, ix) = ((oy * s[0] + ky).wrapping_sub(pad[0]), (ox * s[1] + kx).wrapping_sub(pad[1]));
                (iy < size[0] && ix < size[1]).then(|| x.data[(iy * size[1] + ix) * x.channels() + c])
            };
            data.push(reduce(op.pooling, &taps.filter_map(at).collect::<Vec<_>>()));
        }
    }
    Array { shape: shape.to_vec(), data }
}

/// Every input position adds its window to the output.
pub fn conv_transpose(
    op: &ConvTranspose,
    x: &Array,
    shape: &[usize],
    w: &[f64],
    bias: Option<&[f64]>,
) -> Array {
    let (size, out) = (two(&x.shape[..x.shape.len() - 1], 1), two(&shape[..shape.len() - 1], 1));
    let (k, s, pad) = (two(&op.kernel, 1), two(&op.stride, 1), two(&op.pad[..op.kernel.len()], 0));
    let (channels, per_group, per_out) = (x.channels(), x.channels() / op.groups, op.out / op.groups);
    let mut data: Vec<f64> =
        (0..out[0] * out[1] * op.out).map(|i| bias.map_or(0.0, |b| b[i % op.out])).collect();
    for (iy, ix) in (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| (y, x))) {
        for (ky, kx) in (0..k[0]).flat_map(|y| (0..k[1]).map(move |x| (y, x))) {
            let (oy, ox) = ((iy * s[0] + ky).wrapping_sub(pad[0]), (ix * s[1] + kx).wrapping_sub(pad[1]));
            if oy >= out[0] || ox >= out[1] {
                continue;
            }
            for (i, o) in (0..channels).flat_map(|i| (0..per_out).map(move |o| (i, o))) {
                let value = x.data[(iy * size[1] + ix) * channels + i];
                let to = i / per_group * per_out + o;
                let weight = w[((ky * k[1] + kx) * channels + i) * per_out + o];
                data[(oy * out[1] + ox) * op.out + to] += value * weight;
            }
        }
    }
    Array { shape: shape.to_vec(), data }
}

/// The binomial coefficients as a product of sums, over positions reflected at the border.
pub fn blur_pool(op: &BlurPool, x: &Array, shape: &[usize]) -> Array {
    let rank = shape.len() - 1;
    let (size, out) = (two(&x.shape[..rank], 1), two(&shape[..rank], 1));
    let kernel = two(&vec![op.size; rank], 1);
    let choose = |n: usize, k: usize| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
    let factor = |size: usize, k: usize| choose(size - 1, k) / 2f64.powi(size as i32 - 1);
    let at = |axis: usize, o: usize, k: usize| {
        let at = (o * op.stride + k) as isize - (kernel[axis] as isize - 1) / 2;
        let last = size[axis] as isize - 1;
        (if at > last { 2 * last - at } else { at.abs() }) as usize
    };
    let mut data = Vec::new();
    for (oy, ox) in (0..out[0]).flat_map(|y| (0..out[1]).map(move |x| (y, x))) {
        for c in 0..x.channels() {
            let taps = (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| (y, x)));
            let of = |(ky, kx): (usize, usize)| {
                let value = x.data[(at(0, oy, ky) * size[1] + at(1, ox, kx)) * x.channels() + c];
                factor(kernel[0], ky) * factor(kernel[1], kx) * value
            };
            data.push(taps.map(of).sum());
        }
    }
    Array { shape: shape.to_vec(), data }
}

/// Each value goes to the first of the largest elements of its window.
pub fn max_unpool(op: &MaxUnpool, value: &Array, source: &Array) -> Array {
    let rank = op.kernel.len();
    let (size, out) = (two(&source.shape[..rank], 1), two(&value.shape[..rank], 1));
    let (k, channels) = (two(&op.kernel, 1), source.channels());
    let mut data = vec![0.0; source.data.len()];
    for (i, &v) in value.data.iter().enumerate() {
        let (position, c) = (i / channels, i % channels);
        let (oy, ox) = (position / out[1], position % out[1]);
        let taps = (0..k[0]).flat_map(|y| (0..k[1]).map(move |x| (y, x)));
        let places: Vec<usize> =
            taps.map(|(y, x)| ((oy * k[0] + y) * size[1] + ox * k[1] + x) * channels + c).collect();
        let largest = places.iter().map(|&p| source.data[p]).fold(f64::NEG_INFINITY, f64::max);
        let first = places.iter().find(|&&p| source.data[p] == largest).unwrap();
        data[*first] = v;
    }
    Array { shape: source.shape.clone(), data }
}
