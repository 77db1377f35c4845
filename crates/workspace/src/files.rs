//! Which files of a workspace define something: the sort and the name follow from the path alone.

use crate::names::is_name;
use spec::DefinitionKind;

/// The file of the workspace itself.
const WORKSPACE_FILE: &str = "entente.yaml";

/// What a path (with `/`, relative) is the file of; `None` unless it is written as the files of definitions are.
///
/// A path that is one has no part that could lead anywhere else: a known folder, a name, a known ending. The list of
/// users is none, since who may sign in is not up to those who sign in.
pub fn definition_of(path: &str) -> Option<(DefinitionKind, &str)> {
    if path == WORKSPACE_FILE {
        return Some((DefinitionKind::Laws, "entente"));
    }
    let (folder, file) = path.split_once('/')?;
    let of_folder = |kind: &DefinitionKind| *kind != DefinitionKind::Laws && kind.name() == folder;
    let kind = DefinitionKind::ALL.into_iter().find(of_folder)?;
    let ending = if kind == DefinitionKind::Contracts { ".odcs.yaml" } else { ".yaml" };
    let name = file.strip_suffix(ending)?;
    is_name(name).then_some((kind, name))
}

#[cfg(test)]
mod tests;
