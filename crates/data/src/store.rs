//! The flat store of decoded samples: in memory, or in an unlinked temporary file that is memory-mapped.

use memmap2::Mmap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use xxhash_rust::xxh3::Xxh3;

/// Type of the stored values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// One byte, 0 to 255.
    U8,
    /// A 32-bit float, little endian.
    F32,
}

impl Element {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 => 4,
        }
    }
}

enum Memory {
    Owned(Vec<u8>),
    Mapped(Mmap),
}

/// Samples of one width, one after the other.
pub struct Store {
    element: Element,
    width: usize,
    memory: Memory,
}

impl Store {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.bytes().len() / (self.width * self.element.size()).max(1)
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Type of the stored values.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Whether the samples lie in a temporary file instead of memory.
    pub fn is_spilled(&self) -> bool {
        matches!(self.memory, Memory::Mapped(_))
    }

    fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Owned(bytes) => bytes,
            Memory::Mapped(map) => map,
        }
    }

    /// The stored bytes of one sample. Panics if `index` is out of range.
    pub fn row(&self, index: usize) -> &[u8] {
        let stride = self.width * self.element.size();
        &self.bytes()[index * stride..(index + 1) * stride]
    }

    /// Copies one sample to `out` as floats. Panics if `index` or the length of `out` is wrong.
    pub fn read(&self, index: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.width, "length of the output of Store::read");
        match self.element {
            Element::U8 => {
                self.row(index).iter().zip(out).for_each(|(&byte, value)| *value = f32::from(byte))
            }
            Element::F32 => self.floats(index).zip(out).for_each(|(float, value)| *value = float),
        }
    }

    /// The values of one sample of an F32 store.
    pub(crate) fn floats(&self, index: usize) -> impl Iterator<Item = f32> {
        self.row(index)
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn hash(&self, hasher: &mut Xxh3) {
        hasher.update(self.bytes());
    }
}

enum Target {
    Memory(Vec<u8>),
    File(BufWriter<File>),
}

/// Collects samples; moves them to a temporary file once they need more than `limit` bytes.
pub(crate) struct StoreBuilder {
    element: Element,
    width: usize,
    limit: u64,
    target: Target,
}

impl StoreBuilder {
    pub(crate) fn new(element: Element, width: usize, limit: u64) -> Self {
        Self { element, width, limit, target: Target::Memory(Vec::new()) }
    }

    pub(crate) fn element(&self) -> Element {
        self.element
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Adds the bytes of one sample, `width * element.size()` of them.
    pub(crate) fn push(&mut self, row: &[u8]) -> io::Result<()> {
        debug_assert_eq!(row.len(), self.width * self.element.size());
        self.spill_if_needed(row.len())?;
        match &mut self.target {
            Target::Memory(bytes) => bytes.extend_from_slice(row),
            Target::File(file) => file.write_all(row)?,
        }
        Ok(())
    }

    fn spill_if_needed(&mut self, more: usize) -> io::Result<()> {
        if let Target::Memory(bytes) = &mut self.target
            && ((bytes.len() + more) as u64 > self.limit || bytes.try_reserve(more).is_err())
        {
            let mut file = BufWriter::new(tempfile::tempfile()?);
            file.write_all(bytes)?;
            self.target = Target::File(file);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> io::Result<Store> {
        let memory = match self.target {
            Target::Memory(mut bytes) => {
                bytes.shrink_to_fit();
                Memory::Owned(bytes)
            }
            Target::File(file) => map(file.into_inner().map_err(|error| error.into_error())?)?,
        };
        Ok(Store { element: self.element, width: self.width, memory })
    }
}

fn map(file: File) -> io::Result<Memory> {
    // SAFETY: the file is unlinked and only this process holds it, so nobody else can change or shorten it.
    Ok(Memory::Mapped(unsafe { Mmap::map(&file)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit: u64) -> Store {
        let mut builder = StoreBuilder::new(Element::F32, 2, limit);
        for i in 0..10 {
            let row: Vec<u8> = [i as f32, -0.5].iter().flat_map(|v: &f32| v.to_le_bytes()).collect();
            builder.push(&row).unwrap();
        }
        builder.finish().unwrap()
    }

    #[test]
    fn a_spilled_store_holds_the_same_values() {
        let (memory, spilled) = (filled(u64::MAX), filled(30));
        assert!(!memory.is_spilled() && spilled.is_spilled());
        let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
        for i in 0..10 {
            memory.read(i, &mut a);
            spilled.read(i, &mut b);
            assert_eq!((a, a[0]), (b, i as f32));
        }
    }
}
