//! A table of measured networks in one file, mapped into memory: opening it reads the header only. A file that gzip compressed is
//! decompressed as a whole.
//!
//! Layout, little-endian, every section at a multiple of 64 bytes: `NASMYTHT`, version, length of the header (u32 each), header
//! (JSON); options of all genotypes (u8, row by row); classes (u32); lookup; columns (f32). The lookup of a table that holds most
//! of its space is the row of every key (u32, the largest for none); of others, sorted keys (u64) and their rows (u32).

use crate::builtin::{self, builtin};
use crate::bytes::{Bytes, write};
use crate::key::{count, genotype, key};
use crate::network::{classes, lower};
use crate::task::tasks_of;
use crate::{BenchError, Rows, Task, TaskBenchmark};
use nasmyth_space::{Genotype, Space, Tree};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"NASMYTHT";
const VERSION: u32 = 1;
const ALIGN: usize = 64;
/// The lookup is by key where the space has at most this many genotypes for each row.
const DENSE: u64 = 8;
/// No row.
const NONE: u32 = u32::MAX;

/// A table, open for reading. Cheap to open, whatever its size.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    map: Bytes,
    header: Header,
    options: Vec<u32>,
    at: Sections,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    name: String,
    rows: usize,
    genes: Vec<GeneOptions>,
    columns: Vec<String>,
    tasks: Vec<Task>,
}

/// A gene and what it may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GeneOptions {
    pub name: String,
    pub options: Vec<String>,
}

/// Where everything is.
#[derive(Clone, Debug, Default)]
struct Sections {
    genes: Range<usize>,
    classes: Range<usize>,
    dense: bool,
    keys: Range<usize>,
    rows: Range<usize>,
    columns: Vec<Range<usize>>,
}

impl Sections {
    fn of(header: &Header, start: usize) -> Option<Self> {
        let options: Vec<u32> = header.genes.iter().map(|g| g.options.len() as u32).collect();
        let (rows, space) = (header.rows, count(&options));
        let dense = space.filter(|&n| n <= DENSE.saturating_mul(rows as u64));
        let mut end = start;
        let mut section = |len: usize| {
            let start = end.next_multiple_of(ALIGN);
            end = start.checked_add(len)?;
            Some(start..end)
        };
        Some(Self {
            genes: section(rows.checked_mul(header.genes.len())?)?,
            classes: section(rows.checked_mul(4)?)?,
            dense: dense.is_some(),
            keys: section(if dense.is_some() { 0 } else { rows.checked_mul(8)? })?,
            rows: section((dense.unwrap_or(rows as u64) as usize).checked_mul(4)?)?,
            columns: header.columns.iter().map(|_| section(rows * 4)).collect::<Option<_>>()?,
        })
    }

    fn end(&self) -> usize {
        self.columns.last().unwrap_or(&self.rows).end
    }
}

impl Table {
    /// Opens a table: a file, or one that comes with Nasmyth (`builtin:NAME`).
    ///
    /// # Errors
    /// No such file or name, or a file that is no table, of another version, or cut off.
    pub fn open(path: &Path) -> Result<Self, BenchError> {
        let map = match path.to_str().and_then(|text| text.strip_prefix(builtin::PREFIX)) {
            Some(name) => Bytes::decompressed(builtin(name)?.bytes).map_err(BenchError::file(path))?,
            None => Bytes::open(path)?,
        };
        let wrong = |expected: &str, got: String| BenchError::Content {
            path: path.to_owned(),
            line: None,
            expected: expected.to_owned(),
            got,
        };
        let number = |at: usize| map.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        if map.get(..8) != Some(MAGIC) {
            return Err(wrong("a table that `nasmyth bench import` wrote", "another file".to_owned()));
        }
        match number(8) {
            Some(VERSION) => {}
            version => {
                let got = version.map_or("nothing".to_owned(), |v| v.to_string());
                return Err(wrong(&format!("version {VERSION} of the format (import the table again)"), got));
            }
        }
        let len = number(12).unwrap_or(0) as usize;
        let cut = |got: usize| wrong("a whole file", format!("{got} bytes"));
        let header = map.get(16..16 + len).ok_or_else(|| cut(map.len()))?;
        let header: Header = serde_json::from_slice(header).map_err(|e| wrong("a header", e.to_string()))?;
        let at = Sections::of(&header, 16 + len)
            .filter(|at| at.end() <= map.len())
            .ok_or_else(|| cut(map.len()))?;
        let options = header.genes.iter().map(|g| g.options.len() as u32).collect();
        Ok(Self { path: path.to_owned(), map, header, options, at })
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Number of networks.
    pub fn rows(&self) -> usize {
        self.header.rows
    }

    /// Names of all columns.
    pub fn columns(&self) -> &[String] {
        &self.header.columns
    }

    /// Its tasks.
    pub fn tasks(&self) -> &[Task] {
        &self.header.tasks
    }

    /// A column, one number for each row.
    ///
    /// # Errors
    /// No such column.
    pub fn column(&self, name: &str) -> Result<&[f32], BenchError> {
        let at = self.header.columns.iter().position(|c| c == name);
        at.map(|i| self.slice(&self.at.columns[i])).ok_or_else(|| BenchError::Content {
            path: self.path.clone(),
            line: None,
            expected: format!("a column `{name}`"),
            got: self.header.columns.join(", "),
        })
    }

    /// A section as numbers. Sections are aligned and whole (checked by `open`), so the cast holds; were it not, it would be empty.
    fn slice<T: bytemuck::AnyBitPattern>(&self, at: &Range<usize>) -> &[T] {
        bytemuck::try_cast_slice(&self.map[at.clone()]).unwrap_or_default()
    }

    /// Its genes.
    pub(crate) fn genes(&self) -> &[GeneOptions] {
        &self.header.genes
    }

    /// The error that this table is not what was expected.
    pub(crate) fn wrong(&self, expected: &str, got: String) -> BenchError {
        BenchError::Content { path: self.path.clone(), line: None, expected: expected.to_owned(), got }
    }

    /// The row of a genotype.
    pub fn row(&self, genotype: &Genotype) -> Option<usize> {
        let key = key(&self.options, genotype)?;
        let rows: &[u32] = self.slice(&self.at.rows);
        let at = match self.at.dense {
            true => usize::try_from(key).ok()?,
            false => self.slice::<u64>(&self.at.keys).binary_search(&key).ok()?,
        };
        rows.get(at).filter(|&&row| row != NONE).map(|&row| row as usize)
    }

    /// The genotype of a row.
    pub fn genotype(&self, row: usize) -> Genotype {
        let genes = self.options.len();
        genotype(&self.map[self.at.genes.clone()][row * genes..][..genes])
    }

    /// The first row that computes the same as this one.
    pub fn class(&self, row: usize) -> u64 {
        self.slice::<u32>(&self.at.classes)[row].into()
    }

    /// What its genotypes are made of: one choice for each gene. Where the table holds a part of all combinations only, the space is
    /// that part.
    ///
    /// # Errors
    /// Genes of one name.
    pub fn space(&self) -> Result<Space, BenchError> {
        let choice = |g: &GeneOptions| Tree::choice(&g.name, g.options.iter().map(String::as_str));
        let tree = Tree::group(self.header.genes.iter().map(choice));
        let genes = self.header.genes.clone();
        let doc = format!("The networks of the table {}.", self.name());
        let space = Space::new(self.name(), doc, tree, move |reader| lower(&genes, reader))?;
        let all = count(&self.options).is_some_and(|n| n == self.rows() as u64);
        Ok(if all { space } else { space.only((0..self.rows()).map(|row| self.genotype(row)))? })
    }

    /// A task as a benchmark; the first one without a name.
    ///
    /// # Errors
    /// No such task.
    pub fn task(&self, name: Option<&str>) -> Result<TaskBenchmark<'_>, BenchError> {
        let tasks = self.tasks();
        let found = match name {
            None => tasks.first(),
            Some(name) => tasks.iter().find(|t| t.name == name),
        };
        let names = || tasks.iter().map(|t| t.name.as_str());
        let likeness = |a: &&str| strsim::jaro(a, name.unwrap_or_default());
        let task = found.ok_or_else(|| BenchError::Task {
            table: self.name().to_owned(),
            got: name.unwrap_or_default().to_owned(),
            nearest: names().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).map(str::to_owned),
            known: names().collect::<Vec<_>>().join(", "),
        })?;
        TaskBenchmark::new(self, task)
    }

    /// Writes rows as a table; compressed, if the name of the file ends with `.gz`.
    ///
    /// # Errors
    /// A gene with more than 256 options, two rows of one genotype, or a file that cannot be written.
    pub fn write(path: &Path, name: &str, rows: &Rows, tasks: Option<Vec<Task>>) -> Result<(), BenchError> {
        let wrong = |expected: &str, got: String| BenchError::Content {
            path: path.to_owned(),
            line: None,
            expected: expected.to_owned(),
            got,
        };
        let genes: Vec<GeneOptions> = (0..rows.genes.len()).map(|g| options(rows, g)).collect();
        if let Some(wide) = genes.iter().find(|g| g.options.len() > 256) {
            return Err(wrong(
                "at most 256 options a gene",
                format!("{} of `{}`", wide.options.len(), wide.name),
            ));
        }
        let sizes: Vec<u32> = genes.iter().map(|g| g.options.len() as u32).collect();
        if count(&sizes).is_none() {
            return Err(wrong("a space of less than 2^64 genotypes", format!("{sizes:?} options")));
        }
        let class_column = rows.columns.get("class");
        let columns: Vec<String> = rows.columns.keys().filter(|c| *c != "class").cloned().collect();
        let tasks = tasks.unwrap_or_else(|| tasks_of(columns.iter().map(String::as_str)));
        let header = Header { name: name.to_owned(), rows: rows.genotypes.len(), genes, columns, tasks };
        let text = serde_json::to_vec(&header).map_err(|e| wrong("a header", e.to_string()))?;
        let too_large = || wrong("a table that fits into memory", format!("{} rows", header.rows));
        let at = Sections::of(&header, 16 + text.len()).ok_or_else(too_large)?;

        let number: Vec<HashMap<&str, u8>> = header
            .genes
            .iter()
            .map(|g| g.options.iter().enumerate().map(|(i, o)| (o.as_str(), i as u8)).collect())
            .collect();
        let digits =
            |genotype: &Vec<String>| genotype.iter().zip(&number).map(|(o, n)| n[o.as_str()]).collect();
        let digits: Vec<Vec<u8>> = rows.genotypes.iter().map(digits).collect();
        let mut keys: Vec<(u64, u32)> = digits
            .iter()
            .enumerate()
            .filter_map(|(i, d)| Some((key(&sizes, &genotype(d))?, i as u32)))
            .collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|w| w[0].0 == w[1].0) {
            let got = rows.genotypes[twice[1].1 as usize].join(" ");
            return Err(wrong("one row for each genotype", format!("two of {got}")));
        }

        let mut bytes = vec![0u8; at.end()];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(text.len() as u32).to_le_bytes());
        bytes[16..16 + text.len()].copy_from_slice(&text);
        bytes[at.genes.clone()].copy_from_slice(&digits.concat());
        let own = if class_column.is_none() { classes(&header.genes, &digits) } else { None };
        let classes = (0..header.rows as u32).map(|row| match (class_column, &own) {
            (Some(class), _) if class[row as usize] >= 0.0 => class[row as usize] as u32,
            (_, Some(own)) => own[row as usize],
            _ => row,
        });
        let lookup: Vec<u32> = match at.dense {
            true => {
                let mut lookup = vec![NONE; at.rows.len() / 4];
                keys.iter().for_each(|&(key, row)| lookup[key as usize] = row);
                lookup
            }
            false => keys.iter().map(|k| k.1).collect(),
        };
        fill(&mut bytes[at.classes.clone()], classes.map(u32::to_le_bytes));
        fill(&mut bytes[at.rows.clone()], lookup.into_iter().map(u32::to_le_bytes));
        fill(&mut bytes[at.keys.clone()], keys.iter().map(|k| k.0.to_le_bytes()));
        for (name, at) in header.columns.iter().zip(&at.columns) {
            fill(&mut bytes[at.clone()], rows.columns[name].iter().map(|v| v.to_le_bytes()));
        }
        write(path, &bytes)
    }
}

fn fill<const N: usize>(bytes: &mut [u8], values: impl Iterator<Item = [u8; N]>) {
    bytes.chunks_exact_mut(N).zip(values).for_each(|(to, from)| to.copy_from_slice(&from));
}

/// The options of a gene: numbers by size, words by alphabet.
fn options(rows: &Rows, gene: usize) -> GeneOptions {
    let words: BTreeSet<&str> = rows.genotypes.iter().map(|g| g[gene].as_str()).collect();
    let mut options: Vec<String> = words.into_iter().map(str::to_owned).collect();
    if let Some(mut numbers) =
        options.iter().map(|o| Some((o.parse::<f64>().ok()?, o.clone()))).collect::<Option<Vec<_>>>()
    {
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        options = numbers.into_iter().map(|n| n.1).collect();
    }
    GeneOptions { name: rows.genes[gene].clone(), options }
}
