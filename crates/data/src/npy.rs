//! Arrays in the NPY format (NumPy enhancement proposal 1): header, then the values row by row.

use crate::error::DataError;
use crate::source::read_row;
use std::io::Read;
use std::path::{Path, PathBuf};

const MAX_HEADER: usize = 1 << 16;

/// Type of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unsigned,
    Signed,
    Float,
    /// Text of four-byte characters.
    Unicode,
    /// Text of bytes.
    Bytes,
}

/// An open array, its header read.
pub(crate) struct Array<R: Read> {
    path: PathBuf,
    reader: R,
    pub(crate) kind: Kind,
    size: usize,
    big_endian: bool,
    /// Lengths of all axes, the samples first.
    pub(crate) shape: Vec<usize>,
}

impl<R: Read> Array<R> {
    /// Reads the header. `path` names the array in errors, `length` is the number of bytes in all.
    pub(crate) fn open(path: PathBuf, mut reader: R, length: u64) -> Result<Self, DataError> {
        let header = header(&path, &mut reader)?;
        let field = |key: &str| {
            value_of(&header.1, key)
                .ok_or_else(|| DataError::corrupt(&path, "header", format!("'{key}'"), header.1.clone()))
        };
        let (kind, size, big_endian) = type_of(&path, field("descr")?)?;
        let shape = shape_of(&path, field("shape")?)?;
        if field("fortran_order")?.starts_with("True") && shape.len() > 1 {
            return Err(DataError::unsupported(
                &path,
                "column-major order",
                "store numpy.ascontiguousarray(x)",
            ));
        }
        let array = Self { path, reader, kind, size, big_endian, shape };
        array.check_length(length.saturating_sub(header.0))?;
        Ok(array)
    }

    fn check_length(&self, got: u64) -> Result<(), DataError> {
        let values = self.shape.iter().try_fold(self.size as u64, |all, &axis| all.checked_mul(axis as u64));
        match values {
            Some(expected) if expected == got => Ok(()),
            _ => {
                let expected = format!("{} bytes for each value of shape {:?}", self.size, self.shape);
                Err(DataError::truncated(&self.path, "array", expected, format!("{got} bytes")))
            }
        }
    }

    /// Whether values are single unsigned bytes.
    pub(crate) fn is_bytes(&self) -> bool {
        self.kind == Kind::Unsigned && self.size == 1
    }

    /// Number of values in one sample.
    pub(crate) fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// Reads the bytes of the next sample.
    pub(crate) fn next(&mut self, row: &mut Vec<u8>) -> Result<(), DataError> {
        let length = self.width() * self.size;
        match read_row(&mut self.reader, row, length) {
            Ok(true) => Ok(()),
            Ok(false) => Err(DataError::truncated(&self.path, "array", "more samples", "the end")),
            Err(error) => Err(DataError::io(&self.path, error)),
        }
    }

    /// The numbers of the bytes of a sample.
    pub(crate) fn numbers<'b>(&'b self, row: &'b [u8]) -> impl Iterator<Item = f64> + 'b {
        row.chunks_exact(self.size).map(|bytes| self.number(bytes))
    }

    fn number(&self, bytes: &[u8]) -> f64 {
        let mut little = [0; 8];
        little[..bytes.len()].copy_from_slice(bytes);
        if self.big_endian {
            little[..bytes.len()].reverse();
        }
        let (raw, unused) = (u64::from_le_bytes(little), 64 - 8 * bytes.len() as u32);
        match (self.kind, bytes.len()) {
            (Kind::Float, 2) => half(raw as u16),
            (Kind::Float, 4) => f64::from(f32::from_bits(raw as u32)),
            (Kind::Float, _) => f64::from_bits(raw),
            (Kind::Signed, _) => (((raw << unused) as i64) >> unused) as f64,
            _ => raw as f64,
        }
    }

    /// The text of one value, without the zeros that fill it up.
    pub(crate) fn text(&self, bytes: &[u8]) -> String {
        let text: String = match self.kind {
            Kind::Unicode => {
                bytes.chunks_exact(4).filter_map(|b| char::from_u32(self.character(b))).collect()
            }
            _ => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.trim_end_matches('\0').to_string()
    }

    fn character(&self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The number of bytes before the values, and the header's text.
fn header(path: &Path, reader: &mut impl Read) -> Result<(u64, String), DataError> {
    let mut take = |length: usize| {
        let mut bytes = Vec::new();
        match read_row(reader, &mut bytes, length) {
            Ok(true) => Ok(bytes),
            Ok(false) => Err(DataError::truncated(path, "the header", "more bytes", "the end")),
            Err(error) => Err(DataError::io(path, error)),
        }
    };
    let start = take(8)?;
    if &start[..6] != b"\x93NUMPY" || !(1..=3).contains(&start[6]) {
        let got = format!("{start:02x?}");
        return Err(DataError::corrupt(path, "magic number", "an NPY array of version 1 to 3", got));
    }
    let size = take(if start[6] == 1 { 2 } else { 4 })?;
    let length = size.iter().rev().fold(0, |all, &byte| all << 8 | usize::from(byte));
    if length > MAX_HEADER {
        let what = "the header, in bytes,".into();
        return Err(DataError::TooLarge {
            path: path.into(),
            what,
            got: length as u64,
            limit: MAX_HEADER as u64,
        });
    }
    let text = String::from_utf8_lossy(&take(length)?).trim().to_string();
    Ok(((8 + size.len() + length) as u64, text))
}

/// What follows `'key':` in the header.
fn value_of<'h>(header: &'h str, key: &str) -> Option<&'h str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// Kind, bytes of a value, and whether it is big endian, of a type such as `'<f4'`.
fn type_of(path: &Path, text: &str) -> Result<(Kind, usize, bool), DataError> {
    let name = text.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map_or(text, |(name, _)| name);
    let unsupported = || {
        let what = format!("the type {}", name.chars().take(40).collect::<String>());
        DataError::unsupported(path, what, "store numbers or text: numpy.asarray(x, dtype=...)")
    };
    let (order, rest) = name.split_at_checked(1).ok_or_else(unsupported)?;
    let (kind, size) = rest.split_at_checked(1).ok_or_else(unsupported)?;
    let size: usize = size.parse().map_err(|_| unsupported())?;
    let (kind, size) = match (kind, size) {
        ("b", 1) => (Kind::Unsigned, 1),
        ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
        ("i", 1 | 2 | 4 | 8) => (Kind::Signed, size),
        ("f", 2 | 4 | 8) => (Kind::Float, size),
        ("U", 1..=MAX_HEADER) => (Kind::Unicode, 4 * size),
        ("S", 1..=MAX_HEADER) => (Kind::Bytes, size),
        _ => return Err(unsupported()),
    };
    Ok((kind, size, order == ">"))
}

/// Axes of `(60000, 28, 28)`; an array without axes is refused.
fn shape_of(path: &Path, text: &str) -> Result<Vec<usize>, DataError> {
    let wrong = || {
        DataError::corrupt(
            path,
            "header",
            "a shape such as (100, 28, 28)",
            text.chars().take(40).collect::<String>(),
        )
    };
    let (inside, _) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or_else(wrong)?;
    let axes = inside.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let shape: Vec<usize> = axes.map(|axis| axis.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    if shape.is_empty() || shape.len() > 8 { Err(wrong()) } else { Ok(shape) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, values: &[u8], shape: &str) -> Result<Array<std::io::Cursor<Vec<u8>>>, DataError> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(values);
        let length = file.len() as u64;
        Array::open("a.npy".into(), std::io::Cursor::new(file), length)
    }

    #[test]
    fn numbers_of_all_types() {
        let read = |descr: &str, bytes: &[u8]| {
            let array = array(descr, bytes, "(1,)").unwrap();
            array.numbers(bytes).next().unwrap()
        };
        assert_eq!(read("<f4", &1.5f32.to_le_bytes()), 1.5);
        assert_eq!(read(">f8", &(-2.5f64).to_be_bytes()), -2.5);
        assert_eq!(read("<f2", &[0x00, 0xc1]), -2.5);
        assert_eq!(read("|i1", &[0xff]), -1.0);
        assert_eq!(read(">i2", &[0xff, 0xfe]), -2.0);
        assert_eq!(read("<i8", &(-7i64).to_le_bytes()), -7.0);
        assert_eq!(read("<u4", &u32::MAX.to_le_bytes()), f64::from(u32::MAX));
    }

    #[test]
    fn a_huge_shape_is_refused_before_anything_is_allocated() {
        assert!(matches!(
            array("<f8", &[0; 8], "(4294967296, 4294967296)"),
            Err(DataError::Truncated { .. })
        ));
        assert!(matches!(array("|O", &[0; 8], "(1,)"), Err(DataError::Unsupported { .. })));
    }

    #[test]
    fn text_is_without_padding() {
        let bytes = [b'a', 0, 0, 0, b'b', 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(array("<U3", &bytes, "(1,)").unwrap().text(&bytes), "ab");
    }
}
