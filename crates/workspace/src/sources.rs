//! Sources: where data comes in, and what must agree across their contracts.

use crate::contract::ContractFile;
use crate::definitions::Definitions;
use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of};
use crate::keys::{Keyring, read_keys};
use crate::names::shortened;
use crate::node::Node;
use crate::rules::check_known;
use spec::{Contract, Object, ObjectKind, Source, SourceFile, ValueType};
use std::collections::{BTreeMap, BTreeSet};

/// What must agree across contracts: names of events and traits, types of properties.
#[derive(Default)]
pub(crate) struct Across {
    events: BTreeSet<String>,
    traits: BTreeSet<String>,
    properties: BTreeMap<String, (ValueType, String)>,
}

impl Across {
    /// Checks a contract against those before it; false if it cannot stand beside them.
    pub(crate) fn check(&mut self, file: &ContractFile, problems: &mut Problems) -> bool {
        let n_problems = problems.count();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (object, (place, field_places)) in file.contract.objects.iter().zip(&file.places) {
            if object.kind == ObjectKind::Event && !self.events.insert(object.name.clone()) {
                let message = format!("a second event `{}`", object.name);
                problems.add(place, message, "give it another name: events are known by name alone".into());
            } else if !names.insert(&object.name) {
                problems.add(place, format!("a second object `{}`", object.name), "give it another name".into());
            }
            self.check_fields(object, field_places, problems);
        }
        problems.count() == n_problems
    }

    fn check_fields(&mut self, object: &Object, places: &[Place], problems: &mut Problems) {
        let asked: Vec<&str> = Definitions::asked_fields(object).iter().map(|field| field.name.as_str()).collect();
        for (field, place) in object.fields.iter().zip(places).filter(|(field, _)| asked.contains(&field.name.as_str()))
        {
            if object.kind == ObjectKind::Traits && !self.traits.insert(field.name.clone()) {
                let message = format!("a second trait `{}`", field.name);
                problems.add(place, message, "give it another name: traits are known by name alone".into());
            }
            if object.kind != ObjectKind::Event {
                continue;
            }
            let entry = self.properties.entry(field.name.clone());
            let (value_type, event) = entry.or_insert_with(|| (field.value_type, object.name.clone()));
            if *value_type != field.value_type {
                let (here, there) = (type_words(field.value_type), type_words(*value_type));
                let message = format!("`{}` is {here} in `{}` and {there} in `{event}`", field.name, object.name);
                problems.add(place, message, "give both the same type, or one of them another name".into());
            }
        }
    }
}

fn type_words(value_type: ValueType) -> String {
    match value_type {
        ValueType::Decimal { scale } => format!("decimal with {scale} digits after the point"),
        other => other.name().to_owned(),
    }
}

/// The name of a contract in a path; empty if the path is not one of a contract.
pub(crate) fn contract_name(path: &str) -> &str {
    path.strip_prefix("contracts/").and_then(|file| file.strip_suffix(".odcs.yaml")).unwrap_or_default()
}

/// Reads a source; `None` if it or its contract has errors.
pub(crate) fn read_source(
    (name, node): (&str, &Node),
    contracts: &BTreeMap<&str, Option<ContractFile>>,
    keyring: &mut Keyring,
    problems: &mut Problems,
) -> Option<Source> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a source", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let hint = "name its contract, as in `contract: contracts/till.odcs.yaml`";
    let contract_node = fields.required("contract", hint, problems);
    let contract_path = contract_node.and_then(|node| text_of(node, "contract", problems));
    let mut contract = None;
    if let (Some(path), Some(node)) = (contract_path, contract_node) {
        contract = contracts.get(contract_name(path));
        if contract.is_none() {
            let paths: Vec<String> = contracts.keys().map(|name| format!("contracts/{name}.odcs.yaml")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            check_known(path, &node.place, "contract", &paths, problems);
        }
    }
    let contract = contract.and_then(Option::as_ref).map(|file| &file.contract);
    let files = read_files(&mut fields, contract, problems);
    let keys = read_keys(name, &mut fields, keyring, problems);
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (contract_path, contract) = (contract_path?.to_owned(), contract?.clone());
    Some(Source { name: name.to_owned(), title, description, contract_path, contract, files, keys })
}

fn read_files(fields: &mut Fields<'_>, contract: Option<&Contract>, problems: &mut Problems) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for node in fields.list("files", problems) {
        let Some(mut fields) = Fields::open(node, "a file of a source", problems) else { continue };
        let path_node = fields.required("path", "name the file, as in `path: data/till.csv`", problems);
        let path = path_node.and_then(|node| text_of(node, "path", problems));
        if let (Some(path), Some(node)) = (path, path_node)
            && !is_inside(path)
        {
            let message = format!("`{}` is not a file inside of the workspace", shortened(path));
            problems.add(
                &node.place,
                message,
                "use a path relative to the workspace, with `/` and without `..`".into(),
            );
        }
        let object_node = fields.required("object", "say what its records are: an object of the contract", problems);
        let object = object_node.and_then(|node| text_of(node, "object", problems));
        if let (Some(object), Some(node), Some(contract)) = (object, object_node, contract) {
            let objects: Vec<&str> = contract.objects.iter().map(|object| object.name.as_str()).collect();
            check_known(object, &node.place, "object", &objects, problems);
        }
        fields.close(problems);
        files.extend(path.zip(object).map(|(path, object)| SourceFile { path: path.into(), object: object.into() }));
    }
    files
}

fn is_inside(path: &str) -> bool {
    let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
    !path.contains(['\\', ':', '\0']) && !path.split('/').any(bad_part)
}
