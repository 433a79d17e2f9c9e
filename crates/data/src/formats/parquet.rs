//! Apache Parquet tables (<https://parquet.apache.org/docs/file-format/>): flat columns, uncompressed, Snappy or gzip.

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::source::{Source, plain_name};
use crate::table::{Cell, Record, Rows, Visitor};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::borrow::Cow;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The format.
pub(crate) struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn doc(&self) -> &'static str {
        "Tables in Parquet files with flat columns, uncompressed, Snappy or gzip; the target is the last column unless \
         --target says otherwise"
    }

    fn detects(&self, source: &Source) -> bool {
        source.is_file()
            && (source.head().starts_with(b"PAR1") || plain_name(source.path()).ends_with(".parquet"))
    }

    fn read(&self, source: &Source, _: &Request<'_>) -> Result<Raw, DataError> {
        let mut rows = ParquetRows { path: source.path().into(), columns: Vec::new() };
        rows.columns = rows.names(&rows.open()?)?;
        Ok(Raw::Table(Box::new(rows)))
    }
}

/// An open table.
struct ParquetRows {
    path: PathBuf,
    columns: Vec<String>,
}

impl ParquetRows {
    fn open(&self) -> Result<SerializedFileReader<File>, DataError> {
        let file =
            File::open(&self.path).map_err(|source| DataError::Io { path: self.path.clone(), source })?;
        self.guard(|| SerializedFileReader::new(file))
    }

    /// Runs the decoder; both its errors and its panics mean that the file is broken.
    fn guard<T>(&self, decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DataError> {
        match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.broken(error.to_string())),
            Err(_) => Err(self.broken("values that contradict each other".into())),
        }
    }

    fn broken(&self, got: String) -> DataError {
        let expected = "a whole Parquet file, uncompressed, Snappy or gzip";
        DataError::corrupt(&self.path, "table", expected, got)
    }

    fn names(&self, reader: &SerializedFileReader<File>) -> Result<Vec<String>, DataError> {
        let schema = reader.metadata().file_metadata().schema_descr();
        let fields = schema.root_schema().get_fields();
        match fields.iter().find(|field| !field.is_primitive()) {
            None => Ok(fields.iter().map(|field| field.name().to_string()).collect()),
            Some(nested) => {
                let what = format!("the nested column '{}'", nested.name());
                Err(DataError::unsupported(&self.path, what, "flatten it or leave it out"))
            }
        }
    }
}

impl Rows for ParquetRows {
    fn path(&self) -> &Path {
        &self.path
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn has_header(&self) -> bool {
        true
    }

    fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), DataError> {
        let reader = self.open()?;
        let mut rows = self.guard(|| reader.get_row_iter(None))?;
        let mut number = 0;
        while let Some(row) = self.guard(|| rows.next().transpose())? {
            number += 1;
            visitor(number, &Fields(row.into_columns()))?;
        }
        Ok(())
    }
}

struct Fields(Vec<(String, Field)>);

impl Record for Fields {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.0.get(column).map_or(Cell::Missing, |(_, field)| cell(field))
    }
}

fn cell(field: &Field) -> Cell<'_> {
    let number = match field {
        Field::Null => return Cell::Missing,
        Field::Str(text) => return Cell::of_text(Cow::Borrowed(text)),
        Field::Bytes(bytes) => return Cell::of_text(String::from_utf8_lossy(bytes.data())),
        Field::Byte(value) => f64::from(*value),
        Field::Short(value) => f64::from(*value),
        Field::Int(value) | Field::Date(value) | Field::TimeMillis(value) => f64::from(*value),
        Field::Long(value) | Field::TimeMicros(value) => *value as f64,
        Field::TimestampMillis(value) | Field::TimestampMicros(value) => *value as f64,
        Field::UByte(value) => f64::from(*value),
        Field::UShort(value) => f64::from(*value),
        Field::UInt(value) => f64::from(*value),
        Field::ULong(value) => *value as f64,
        Field::Float16(value) => f64::from(f32::from(*value)),
        Field::Float(value) => f64::from(*value),
        Field::Double(value) => *value,
        other => return Cell::of_text(Cow::Owned(other.to_string())),
    };
    Cell::Number(number)
}
