//! The bytes of a table.

use crate::BenchError;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::Path;

/// The first bytes of what gzip wrote.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file mapped into memory, or what was compressed, aligned for all numbers.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    Held(Vec<u64>),
}

impl Bytes {
    /// Maps a file, or decompresses it.
    ///
    /// # Errors
    /// A file that cannot be read, or broken compression.
    pub fn open(path: &Path) -> Result<Self, BenchError> {
        let file = File::open(path).map_err(BenchError::file(path))?;
        // SAFETY: the file is only read; tables are written under another name and renamed, so nobody changes one in place.
        let map = unsafe { Mmap::map(&file) }.map_err(BenchError::file(path))?;
        match map.starts_with(&GZIP) {
            true => Self::decompressed(&map).map_err(BenchError::file(path)),
            false => Ok(Self::Mapped(map)),
        }
    }

    /// Decompresses; at the end up to 7 bytes are added.
    ///
    /// # Errors
    /// Broken compression.
    pub fn decompressed(compressed: &[u8]) -> io::Result<Self> {
        let mut bytes = Vec::new();
        MultiGzDecoder::new(compressed).read_to_end(&mut bytes)?;
        let mut held = vec![0u64; bytes.len().div_ceil(size_of::<u64>())];
        bytemuck::cast_slice_mut(&mut held)[..bytes.len()].copy_from_slice(&bytes);
        Ok(Self::Held(held))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(held) => bytemuck::cast_slice(held),
        }
    }
}

/// Writes a file as a whole or not at all, compressed if its name ends with `.gz`. The same bytes give the same file.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), BenchError> {
    let part = path.with_extension("part");
    let whole = || -> io::Result<()> {
        let mut file = File::create(&part)?;
        if path.extension().is_some_and(|e| e == "gz") {
            let mut encoder = GzEncoder::new(&mut file, Compression::best());
            encoder.write_all(bytes)?;
            encoder.finish()?;
        } else {
            file.write_all(bytes)?;
        }
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    whole().map_err(BenchError::file(path))
}
