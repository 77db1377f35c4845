//! The least that an answer from Parquet can take: reading and decoding its columns, and nothing else.
//!
//! It reads the table's own files as the program does - one row group at a time on each core, texts as dictionaries, footers
//! read before - and throws away what it has decoded.

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use xtask::shell::Result;

/// Every question reads these.
const ALWAYS: [&str; 3] = ["person", "ts", "event"];
/// What stands before the name of a property in the name of its column.
const PROPERTY: &str = "p_";

/// The files of a table, their footers read.
pub(super) struct Floor {
    files: Vec<(PathBuf, ArrowReaderMetadata)>,
    /// File and row group.
    groups: Vec<(usize, usize)>,
}

type Fallible<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

impl Floor {
    /// Reads the footers in a table's folder. A file that the table does not name any more would count as well: after an
    /// import there is none.
    pub(super) fn open(table: &Path) -> Result<Floor> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(table)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(|error| format!("{}: {error}", table.display()))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
        paths.sort();
        let mut floor = Floor { files: Vec::new(), groups: Vec::new() };
        for path in paths {
            let metadata = footer(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let n_groups = metadata.metadata().num_row_groups();
            floor.groups.extend((0..n_groups).map(|group| (floor.files.len(), group)));
            floor.files.push((path, metadata));
        }
        Ok(floor)
    }

    /// Seconds to decode these properties, and what every question reads, on all cores.
    pub(super) fn seconds(&self, properties: &[&str]) -> Result<f64> {
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        let work = || -> Fallible<()> {
            while let Some((file, group)) = self.groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.decode(*file, *group, properties)?;
            }
            Ok(())
        };
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let done: Fallible<()> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread failed")?)
        });
        done.map_err(|error| error.to_string())?;
        Ok(started.elapsed().as_secs_f64())
    }

    fn decode(&self, file: usize, group: usize, properties: &[&str]) -> Fallible<()> {
        let (path, metadata) = &self.files[file];
        let schema = metadata.schema();
        let names = ALWAYS.iter().map(|name| (*name).to_owned());
        let names = names.chain(properties.iter().map(|name| format!("{PROPERTY}{name}")));
        let columns = names.map(|name| schema.index_of(&name)).collect::<std::result::Result<Vec<_>, _>>()?;
        let n_rows = usize::try_from(metadata.metadata().row_group(group).num_rows())?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path)?, metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(ProjectionMask::roots(metadata.parquet_schema(), columns))
            .with_batch_size(n_rows.max(1))
            .build()?;
        for batch in reader {
            std::hint::black_box(batch?);
        }
        Ok(())
    }
}

fn footer(path: &Path) -> Fallible<ArrowReaderMetadata> {
    let file = File::open(path)?;
    let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let as_read = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => {
            let texts = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Field::new(field.name(), texts, true)
        }
        other => Field::new(field.name(), other.clone(), true),
    };
    let fields: Vec<Field> = plain.schema().fields().iter().map(as_read).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    Ok(ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)?)
}
