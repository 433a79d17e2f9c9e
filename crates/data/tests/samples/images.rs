//! Tiny images.

use super::{SAMPLES, Tiny, bytes, floats, names, put};
use nasmyth_data::Features;
use std::path::Path;

pub fn png(width: u32, height: u32, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    file
}

/// A grey 8 x 8 baseline JPEG of one level: a single block with its mean only. The quantum of the mean is 8, so the
/// coded number is the level less 128; each of the twelve sizes of numbers has a code of four bits, "end" is a 0.
pub fn jpeg(level: u8) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    file.extend([8; 64]);
    file.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    file.extend([0xff, 0xc4, 0, 31, 0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(0..12);
    file.extend([0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    file.extend(scan(i32::from(level) - 128));
    file.extend([0xff, 0xd9]);
    file
}

fn scan(number: i32) -> Vec<u8> {
    let size = 32 - number.unsigned_abs().leading_zeros();
    let digits = if number < 0 { number + (1 << size) - 1 } else { number } as u32;
    let bits = (size << size | digits) << 1;
    let length = 4 + size + 1;
    let filled = (u32::from(u16::MAX) >> length) | bits << (16 - length);
    (filled as u16).to_be_bytes().iter().flat_map(|&b| if b == 0xff { vec![b, 0] } else { vec![b] }).collect()
}

/// `train/CLASS/FILE` and one JPEG among the PNGs.
pub fn tiny_folder(folder: &Path) -> Tiny {
    let mut values = Vec::new();
    let mut file = folder.to_path_buf();
    for class in 0..2 {
        for i in (class..SAMPLES).step_by(2) {
            let name = format!("{}/{i:02}.png", ["cat", "dog"][class]);
            values.push(floats(i, 64));
            file = put(folder, &name, png(8, 8, png::ColorType::Grayscale, &bytes(i, 64)));
        }
    }
    put(folder, "cat/99.jpg", jpeg(200));
    values.insert(SAMPLES / 2, vec![200.0; 64]);
    Tiny {
        path: folder.into(),
        file,
        features: Features::Image { height: 8, width: 8, channels: 1 },
        classes: names(["cat", "dog"]),
        values,
        is_binary: true,
    }
}

pub fn tiny_cifar(folder: &Path) -> Tiny {
    let (mut file, mut values) = (Vec::new(), Vec::new());
    for i in 0..SAMPLES {
        let planes = bytes(i, 3072);
        file.push((i % 2) as u8);
        file.extend(&planes);
        values.push((0..3072).map(|j| f32::from(planes[j % 3 * 1024 + j / 3])).collect());
    }
    let file = put(folder, "data_batch_1.bin", file);
    put(folder, "batches.meta.txt", "airplane\nbird\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    Tiny {
        path: folder.into(),
        file,
        features: Features::Image { height: 32, width: 32, channels: 3 },
        classes: names(["airplane", "bird"]),
        values,
        is_binary: true,
    }
}
