//! Data files of tables: Parquet, written once, synced before anybody names them.

use crate::import::people_of;
use crate::sums::{self, Sums};
use crate::{Random, error, store};
use arrow::array::{ArrayRef, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, SecondsFormat};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use spec::{Result, hex};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the names of files begin that were landed and not compacted yet.
pub(crate) const LANDED: &str = "landed-";
/// How the names of all others begin.
pub(crate) const WHOLE: &str = "part-";
/// What a filter of message keys says "perhaps" to, of those that are not there: each costs a look at a row group, so that
/// there must be few of them even among all the messages of a landing.
const FALSE_HINTS: f64 = 0.000_001;
/// Message keys that a filter is made for; with fewer of them it is folded. All rows of a person are in one group, so that
/// who does very much makes a large one.
const KEYS_PER_FILTER: u64 = 1024 * 1024;
/// Row groups of events end at the first person border after this many rows.
const ROWS_PER_GROUP: usize = 64 * 1024;

/// The type of times in tables.
pub(crate) fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A file that is on disk and not yet part of a table.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// Its name in the table's folder.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its statistics as the Delta protocol writes them.
    pub(crate) stats: String,
}

/// A file being written.
pub(crate) struct DataFileWriter {
    writer: ArrowWriter<File>,
    sums: Sums,
    folder: PathBuf,
    /// What its name begins with; the rest is known at its end.
    start: String,
    /// Whose row was written last, of rows that come person by person.
    last_person: Option<i64>,
    is_finished: bool,
}

/// How files end that are not whole yet.
pub(crate) const UNFINISHED: &str = ".new";

impl DataFileWriter {
    /// Starts a file under a new name, which begins with `start`.
    pub(crate) fn create(
        start: &str,
        folder: &Path,
        random: &dyn Random,
        schema: &SchemaRef,
    ) -> Result<DataFileWriter> {
        let mut id = [0; 16];
        random.fill(&mut id);
        let start = format!("{start}{}", hex(&id));
        let path = folder.join(format!("{start}{UNFINISHED}"));
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|cause| error::io("write", &path, cause))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties(schema)));
        let writer = writer.map_err(|cause| error::bug("cannot start a data file", Box::new(cause)))?;
        Ok(DataFileWriter {
            writer,
            sums: Sums::default(),
            folder: folder.to_owned(),
            start,
            last_person: None,
            is_finished: false,
        })
    }

    /// Appends rows to the current row group.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|cause| error::table("write a file of", &self.start, Box::new(cause)))
    }

    /// Appends rows in the order of their people, and ends row groups at person borders.
    pub(crate) fn write_people(&mut self, batch: &RecordBatch) -> Result<()> {
        let people = people_of(batch).values();
        let mut start = 0;
        while start < people.len() {
            let room = ROWS_PER_GROUP.saturating_sub(self.rows_in_group()).min(people.len() - start);
            // The rows that fit, and those of the person whom the group would end within.
            let last = if room > 0 { Some(people[start + room - 1]) } else { self.last_person };
            let end = start + room + people[start + room..].partition_point(|person| Some(*person) == last);
            self.write(&batch.slice(start, end - start))?;
            self.last_person = last;
            if end < people.len() {
                self.end_group()?;
            }
            start = end;
        }
        Ok(())
    }

    /// Ends the current row group.
    pub(crate) fn end_group(&mut self) -> Result<()> {
        if self.rows_in_group() == 0 {
            return Ok(());
        }
        self.writer.flush().map_err(|cause| error::table("write a file of", &self.start, Box::new(cause)))?;
        // What was written goes to the file before it is summed up.
        let synced = self.writer.sync();
        let end = self.writer.bytes_written() as u64;
        let summed = synced.and_then(|()| match self.writer.flushed_row_groups().last() {
            Some(group) => self.sums.add_group(self.writer.inner(), group, end),
            None => Ok(()),
        });
        summed.map_err(|cause| error::io("write", &self.folder.join(&self.start), cause))
    }

    /// Rows in the current row group.
    pub(crate) fn rows_in_group(&self) -> usize {
        self.writer.in_progress_rows()
    }

    /// Bytes so far, those of the current row group estimated.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Ends the file; it is on disk when this returns.
    pub(crate) fn finish(mut self) -> Result<NewFile> {
        self.end_group()?;
        self.writer.append_key_value_metadata(self.sums.note());
        let finished = self.writer.finish();
        let metadata = finished.map_err(|cause| error::table("write a file of", &self.start, Box::new(cause)))?;
        let written = self.folder.join(format!("{}{UNFINISHED}", self.start));
        let named = File::open(&written).and_then(|file| {
            let name = format!("{}-{:08x}.parquet", self.start, sums::footer_sum(&file)?);
            let path = self.folder.join(&name);
            std::fs::rename(&written, &path)?;
            store::sync_file_and_folder(&path)?;
            Ok((name, file.metadata()?.len()))
        });
        let (name, size) = named.map_err(|cause| error::io("sync", &written, cause))?;
        self.is_finished = true;
        Ok(NewFile { name, size, stats: delta_stats(&metadata) })
    }
}

/// A file that was not finished takes room, perhaps of a disk that is full.
impl Drop for DataFileWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // What stays behind is removed at the next open.
            let _ = std::fs::remove_file(self.folder.join(format!("{}{UNFINISHED}", self.start)));
        }
    }
}

/// Writes one batch as a file.
pub(crate) fn write_file(folder: &Path, random: &dyn Random, batch: &RecordBatch) -> Result<NewFile> {
    let mut writer = DataFileWriter::create(WHOLE, folder, random, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()
}

/// Moves files, which are on disk, into the table's folder.
pub(crate) fn move_in(files: &[NewFile], from: &Path, to: &Path) -> Result<()> {
    for file in files {
        let place = to.join(&file.name);
        let moved = std::fs::rename(from.join(&file.name), &place).and_then(|()| store::sync_file_and_folder(&place));
        moved.map_err(|cause| error::io("move a file to", &place, cause))?;
    }
    Ok(())
}

/// Reads small files whole, as one batch of the schema; columns that a file lacks are null.
pub(crate) fn read_files(paths: &[PathBuf], schema: &SchemaRef) -> Result<RecordBatch> {
    let mut batches = Vec::new();
    for path in paths {
        for batch in read_checked(path, None)? {
            batches.push(conform(&batch.map_err(|cause| damaged(path, Box::new(cause)))?, schema)?);
        }
    }
    concat_batches(schema, &batches).map_err(|cause| error::bug("cannot join batches of one schema", Box::new(cause)))
}

/// Reads a file whole, batch by batch, after a look at all its sums.
pub(crate) fn read_checked(path: &Path, batch_rows: Option<usize>) -> Result<ParquetRecordBatchReader> {
    let file = File::open(path).map_err(|cause| error::io("open", path, cause))?;
    sums::check_footer(&file, path)?;
    let clone = file.try_clone().map_err(|cause| error::io("open", path, cause))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(clone).map_err(|cause| damaged(path, Box::new(cause)))?;
    Sums::of(builder.metadata()).check_all(&file, path)?;
    let builder = match batch_rows {
        Some(n_rows) => builder.with_batch_size(n_rows),
        None => builder,
    };
    builder.build().map_err(|cause| damaged(path, Box::new(cause)))
}

/// The batch with exactly these columns; those it lacks are null.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), batch.num_rows()),
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|cause| error::bug("a stored column is not of its declared type", Box::new(cause)))
}

/// A data file of ours cannot be read.
pub(crate) fn damaged(path: &Path, cause: error::Cause) -> spec::Error {
    error::table("read a file of", &path.display().to_string(), cause)
}

/// A schema of nullable columns.
pub(crate) fn schema_of(fields: &[Field]) -> SchemaRef {
    Arc::new(Schema::new(fields.to_vec()))
}

/// Dictionaries for text, plain for what hardly repeats; the statistics are those that scans prune by.
fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(64 * 1024)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::None);
    for field in schema.fields() {
        let column = ColumnPath::from(field.name().as_str());
        builder = match field.name().as_str() {
            "person" => builder.set_column_statistics_enabled(column, EnabledStatistics::Chunk),
            "ts" => builder
                .set_column_statistics_enabled(column.clone(), EnabledStatistics::Chunk)
                .set_column_dictionary_enabled(column.clone(), false)
                // Every question reads all of them, and little of them repeats.
                .set_column_compression(column, Compression::UNCOMPRESSED),
            "seq" => builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED),
            "message_key" => builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_bloom_filter_fpp(column.clone(), FALSE_HINTS)
                .set_column_bloom_filter_max_ndv(column.clone(), KEYS_PER_FILTER)
                .set_column_compression(column, Compression::UNCOMPRESSED),
            _ => builder,
        };
    }
    builder.build()
}

fn delta_stats(metadata: &ParquetMetaData) -> String {
    let mut minimums = serde_json::Map::new();
    let mut maximums = serde_json::Map::new();
    for (index, column) in metadata.file_metadata().schema_descr().columns().iter().enumerate() {
        let ranges = metadata.row_groups().iter().map(|group| int_range(group.column(index).statistics()));
        let Some((min, max)) = ranges.reduce(|a, b| Some((a?.0.min(b?.0), a?.1.max(b?.1)))).flatten() else { continue };
        let show = |value: i64| match column.name() {
            "ts" => DateTime::from_timestamp_micros(value)
                .map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true).into())
                .unwrap_or_default(),
            _ => serde_json::Value::from(value),
        };
        minimums.insert(column.name().to_owned(), show(min));
        maximums.insert(column.name().to_owned(), show(max));
    }
    let n_rows = metadata.file_metadata().num_rows();
    serde_json::json!({ "numRecords": n_rows, "minValues": minimums, "maxValues": maximums }).to_string()
}

/// The smallest and largest value of a column chunk of integers, where they are known.
pub(crate) fn int_range(statistics: Option<&Statistics>) -> Option<(i64, i64)> {
    match statistics {
        Some(Statistics::Int64(values)) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}
