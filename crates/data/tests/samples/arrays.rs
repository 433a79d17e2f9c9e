//! Tiny files of arrays.

use super::{SAMPLES, Tiny, bytes, floats, names, put, texts::table};
use flate2::{Compression, write::GzEncoder};
use nasmyth_data::Features;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;
use zip::write::SimpleFileOptions;

/// An IDX file of bytes.
pub fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|axis| file.extend(axis.to_be_bytes()));
    file.extend(values);
    file
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn tiny_idx(folder: &Path) -> Tiny {
    let pixels: Vec<u8> = (0..SAMPLES).flat_map(|i| bytes(i, 12)).collect();
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % 2) as u8).collect();
    put(folder, "train-labels-idx1-ubyte", idx(&[SAMPLES as u32], &labels));
    let file = put(folder, "train-images-idx3-ubyte.gz", gzip(&idx(&[SAMPLES as u32, 3, 4], &pixels)));
    Tiny {
        path: folder.into(),
        file,
        features: Features::Image { height: 3, width: 4, channels: 1 },
        classes: names(["0", "1"]),
        values: (0..SAMPLES).map(|i| floats(i, 12)).collect(),
        is_binary: true,
    }
}

/// An NPY array of version 1.
pub fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values);
    file
}

pub fn zip_of(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Series of floats with labels of 64-bit integers.
pub fn tiny_npz(folder: &Path) -> Tiny {
    let values: Vec<u8> = (0..SAMPLES).flat_map(|i| floats(i, 6)).flat_map(f32::to_le_bytes).collect();
    let labels: Vec<u8> = (0..SAMPLES).flat_map(|i| (i as i64 % 2 + 3).to_le_bytes()).collect();
    let x = npy("<f4", &format!("({SAMPLES}, 3, 2)"), &values);
    let y = npy("<i8", &format!("({SAMPLES},)"), &labels);
    let path = put(folder, "tiny.npz", zip_of(&[("x.npy", x), ("y.npy", y)]));
    Tiny {
        file: path.clone(),
        path,
        features: Features::Series { steps: 3, channels: 2 },
        classes: names(["3", "4"]),
        values: (0..SAMPLES).map(|i| floats(i, 6)).collect(),
        is_binary: true,
    }
}

/// A table with a double, a float, and two texts; `numbers` are the values of the double, `None` missing.
pub fn parquet_file(numbers: &[Option<f64>]) -> Vec<u8> {
    let schema = "message t { OPTIONAL DOUBLE width; REQUIRED FLOAT height; REQUIRED BYTE_ARRAY colour (UTF8); \
                  REQUIRED BYTE_ARRAY kind (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let text = |i: usize, names: [&str; 2], run: usize| ByteArray::from(names[i / run % 2]);
    let all = 0..numbers.len();
    while let Some(mut column) = group.next_column().unwrap() {
        match column.untyped() {
            ColumnWriter::DoubleColumnWriter(writer) => {
                let levels: Vec<i16> = numbers.iter().map(|v| i16::from(v.is_some())).collect();
                let present: Vec<f64> = numbers.iter().flatten().copied().collect();
                writer.write_batch(&present, Some(&levels), None).unwrap();
            }
            ColumnWriter::FloatColumnWriter(writer) => {
                let values: Vec<f32> = all.clone().map(|i| floats(i, 2)[1]).collect();
                writer.write_batch(&values, None, None).unwrap();
            }
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let colour = writer.get_descriptor().name() == "colour";
                let of = |i| if colour { text(i, ["blue", "red"], 2) } else { text(i, ["a", "b"], 1) };
                writer.write_batch(&all.clone().map(of).collect::<Vec<_>>(), None, None).unwrap();
            }
            _ => unreachable!(),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    file
}

pub fn tiny_parquet(folder: &Path) -> Tiny {
    let numbers: Vec<Option<f64>> = (0..SAMPLES).map(|i| Some(f64::from(floats(i, 1)[0]))).collect();
    let path = put(folder, "tiny.parquet", parquet_file(&numbers));
    Tiny { file: path.clone(), path, is_binary: true, ..table() }
}
