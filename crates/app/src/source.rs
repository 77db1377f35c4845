//! Sources: what they promised, what they delivered, and bringing files in.

use crate::definition::field_view;
use crate::error;
use crate::question::{Lack, lacks_of};
use crate::state::State;
use crate::store::Record;
use api::{Balance, BookView, BooksView, ImportRequest, ObjectView, Principal, RejectedGroup, SourceView};
use lake::{BookLine, ImportFile, ImportRecord, ImportReport};
use spec::{Object, ObjectKind, Result, Source, SourceFile};
use std::path::Path;
use workspace::Definitions;

/// Groups of rejected records that a view shows.
const REJECTED_GROUPS_MAX: usize = 20;

/// The sources; contracts' texts and table versions are for those who see operational facts.
pub(crate) fn sources(state: &State, who: &Principal) -> Result<Vec<SourceView>> {
    let loaded = state.folder.current()?;
    let snapshot = state.lake.snapshot();
    let now = state.clock.now();
    let (books, deliveries) = (snapshot.book_totals(), snapshot.deliveries());
    let view = |source: &Source| {
        let imports: Vec<&ImportRecord> =
            snapshot.imports().iter().filter(|import| import.source == source.name).collect();
        let lines: Vec<&BookLine> = books.iter().filter(|line| line.source == source.name).collect();
        let landed = deliveries.get(&source.name).copied();
        let freshness = source.contract.freshness.as_ref();
        let lacks = lacks_of(source, &snapshot, now);
        SourceView {
            name: source.name.clone(),
            title: source.title.clone(),
            description: source.description.clone(),
            owner: source.contract.owner.clone(),
            objects: source.contract.objects.iter().map(object_view).collect(),
            landed_at: landed.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            freshness: freshness.map(|promise| promise.age_max.to_string()),
            is_fresh: !lacks.iter().any(|lack| matches!(lack, Lack::Late(_))),
            error_rate_max: source.contract.error_rate_max.map(workspace::percent),
            is_sound: !lacks.contains(&Lack::Faulty),
            // How many records there are tells of withheld people too.
            balance: who.sees_cost.then(|| balance_of(&source.name, &imports, &lines)),
            rejected: if who.sees_cost { rejected(&imports, &lines) } else { Vec::new() },
            contract_path: source.contract_path.clone(),
            contract_text: if who.sees_cost {
                loaded.texts.get(&source.contract_path).cloned().unwrap_or_default()
            } else {
                String::new()
            },
            tables: if who.sees_cost { snapshot.table_versions() } else { Default::default() },
        }
    };
    Ok(loaded.definitions.sources.values().map(view).collect())
}

fn object_view(object: &Object) -> ObjectView {
    let kind = match object.kind {
        ObjectKind::Event => "event",
        ObjectKind::Traits => "traits",
        ObjectKind::Consent => "consent",
    };
    ObjectView {
        name: object.name.clone(),
        title: object.title.clone(),
        description: object.description.clone(),
        kind: kind.to_owned(),
        fields: object.fields.iter().map(field_view).collect(),
    }
}

/// What became of messages, in all and in each of the last minutes.
pub(crate) fn books(state: &State, who: &Principal, minutes: u32) -> Result<BooksView> {
    if !who.sees_cost {
        return Err(error::no_right(&who.role, "see how many messages came in"));
    }
    let snapshot = state.lake.snapshot();
    let since = state.clock.now() - chrono::TimeDelta::minutes(i64::from(minutes));
    let mut lines = snapshot.books_since(since);
    lines.sort_by_key(|line| std::cmp::Reverse(line.minute));
    Ok(BooksView {
        totals: snapshot.book_totals().into_iter().map(book_view).collect(),
        minutes: lines.into_iter().map(book_view).collect(),
    })
}

fn book_view(line: BookLine) -> BookView {
    BookView {
        source: line.source,
        key: line.key,
        minute: line.minute.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        received: line.received,
        stored: line.stored,
        duplicate: line.duplicate,
        rejected: line.rejected,
        reasons: line.reasons,
    }
}

/// The books of a source: of its files, and of messages.
fn balance_of(source: &str, imports: &[&ImportRecord], lines: &[&BookLine]) -> Balance {
    let sum = |of_file: fn(&ImportRecord) -> u64, of_line: fn(&BookLine) -> u64| {
        let files: u64 = imports.iter().map(|import| of_file(import)).sum();
        files + lines.iter().map(|line| of_line(line)).sum::<u64>()
    };
    Balance {
        what: source.to_owned(),
        received: sum(|import| import.received, |line| line.received),
        stored: sum(|import| import.stored, |line| line.stored),
        duplicate: sum(|import| import.duplicate, |line| line.duplicate),
        rejected: sum(|import| import.rejected, |line| line.rejected),
    }
}

/// What lies rejected; of a file that was read again under a changed contract, what the last reading left.
fn rejected(imports: &[&ImportRecord], lines: &[&BookLine]) -> Vec<RejectedGroup> {
    let mut groups: Vec<RejectedGroup> = Vec::new();
    let is_same = |one: &ImportRecord, other: &ImportRecord| one.object == other.object && one.digest == other.digest;
    let last = imports.iter().enumerate().filter(|(index, import)| {
        let mut later = imports[index + 1..].iter();
        !later.any(|later| is_same(later, import))
    });
    let of_files = last.flat_map(|(_, import)| import.reasons.iter().cloned());
    let of_messages = lines.iter().flat_map(|line| {
        line.reasons.iter().map(|(reason, records)| (reason.clone(), *records, format!("key {}", line.key)))
    });
    for (reason, records, example) in of_files.chain(of_messages) {
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.records += records,
            None => groups.push(RejectedGroup { reason, records, example }),
        }
    }
    groups.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.reason.cmp(&b.reason)));
    groups.truncate(REJECTED_GROUPS_MAX);
    groups
}

/// Imports one file into a source, for somebody who may.
pub(crate) fn import(
    state: &State,
    who: &Principal,
    request: &ImportRequest<'_>,
    progress: &dyn Fn(u64, u64),
) -> Result<Balance> {
    if !who.may_import {
        return Err(error::no_right(&who.role, "import data"));
    }
    let balance = import_as_owner(state, request, progress)?;
    let what = format!("import {}", balance.what);
    state.store.record(&Record { user: &who.user, what: &what, ..Record::default() }, state.clock.now())?;
    Ok(balance)
}

/// Imports one file into a source, for the owner of the data folder.
pub(crate) fn import_as_owner(
    state: &State,
    request: &ImportRequest<'_>,
    progress: &dyn Fn(u64, u64),
) -> Result<Balance> {
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let source = definitions.sources.get(request.source);
    let source =
        source.ok_or_else(|| error::not_found("source", request.source, nearest(definitions, request.source)))?;
    let object = object_of(source, request.object, request.file_name)?;
    let report = import_file(state, definitions, (source, object), (request.path, request.file_name), progress)?;
    Ok(balance(&source.name, request.file_name, &report))
}

/// Imports every file that the sources name; what is there already counts as duplicate. A file that cannot be read does
/// not keep the others out. Small files come first, since each is merged into all that is there before it.
pub(crate) fn import_all(state: &State, progress: &dyn Fn(&str, u64, u64)) -> Result<Vec<(String, Result<Balance>)>> {
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let mut imported = Vec::new();
    for (source, file) in files_to_import(state.folder.path(), definitions) {
        let what = format!("{}/{}", source.name, file.path);
        let path = state.folder.path().join(&file.path);
        let report = object_of(source, Some(&file.object), &file.path).and_then(|object| {
            let progress = |done, all| progress(&what, done, all);
            import_file(state, definitions, (source, object), (&path, &file.path), &progress)
        });
        let balance = report.map(|report| balance(&source.name, &file.path, &report));
        imported.push((what, balance));
    }
    Ok(imported)
}

/// The files that sources name, the smallest first, since each is merged into all that is there before it.
pub(crate) fn files_to_import<'d>(folder: &Path, definitions: &'d Definitions) -> Vec<(&'d Source, &'d SourceFile)> {
    let of_source = |source: &'d Source| source.files.iter().map(move |file| (source, file));
    let mut files: Vec<_> = definitions.sources.values().flat_map(of_source).collect();
    files.sort_by_cached_key(|(_, file)| {
        std::fs::metadata(folder.join(&file.path)).map_or(0, |metadata| metadata.len())
    });
    files
}

fn import_file(
    state: &State,
    definitions: &Definitions,
    (source, object): (&Source, &Object),
    (path, file_name): (&Path, &str),
    progress: &dyn Fn(u64, u64),
) -> Result<ImportReport> {
    let declared: Vec<&Object> = definitions.sources.values().flat_map(|source| &source.contract.objects).collect();
    let file = ImportFile { source: &source.name, object, declared: &declared, path, file_name };
    state.lake.import(&file, progress)
}

/// The object that a file's records are: the one named, else the one the file's name starts with, else the only one.
fn object_of<'s>(source: &'s Source, name: Option<&str>, file_name: &str) -> Result<&'s Object> {
    let objects = &source.contract.objects;
    if let Some(name) = name {
        return objects.iter().find(|object| object.name == name).ok_or_else(|| error::not_found("object", name, None));
    }
    let stem = Path::new(file_name).file_name().and_then(|name| name.to_str()).unwrap_or(file_name);
    let by_name = objects.iter().filter(|object| stem.starts_with(&object.name)).max_by_key(|object| object.name.len());
    match (by_name, objects.as_slice()) {
        (Some(object), _) | (None, [object]) => Ok(object),
        (None, _) => {
            let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
            let hint = format!("name one with `--object`: {}", names.join(", "));
            Err(error::invalid(format!("`{file_name}` could be any object of the source `{}`", source.name), &hint))
        }
    }
}

fn balance(source: &str, file: &str, report: &ImportReport) -> Balance {
    Balance {
        what: format!("{source}/{file}"),
        received: report.received,
        stored: report.stored,
        duplicate: report.duplicate,
        rejected: report.rejected,
    }
}

fn nearest<'d>(definitions: &'d Definitions, name: &str) -> Option<&'d str> {
    let common = |other: &str| other.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    let best = definitions.sources.keys().max_by_key(|other| common(other))?;
    (common(best) >= 2).then_some(best.as_str())
}
