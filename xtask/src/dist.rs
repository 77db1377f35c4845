//! `dist`: what one gives away.

use sha2::{Digest, Sha256};
use std::path::Path;
use xtask::shell::{Result, cargo, output, root, target};

/// Builds the release and puts binary, manual, completions and checksums into dist/.
pub(crate) fn run() -> Result<()> {
    cargo(&["build", "--release", "--package", "entente"])?;
    let dist = root().join("dist");
    let built = target().join("release").join(format!("entente{}", std::env::consts::EXE_SUFFIX));
    let program = dist.join(built.file_name().expect("it was just named"));
    std::fs::create_dir_all(&dist).map_err(|error| format!("{}: {error}", dist.display()))?;
    std::fs::copy(&built, &program).map_err(|error| format!("{}: {error}", built.display()))?;
    let path = program.to_string_lossy().into_owned();
    write(&dist, "entente.1", &output(&path, &["manual"])?)?;
    for shell in ["bash", "zsh", "fish"] {
        write(&dist, &format!("entente.{shell}"), &output(&path, &["completions", shell])?)?;
    }
    proofs(&dist)?;
    checksums(&dist)
}

/// Takes along what the proofs of this source have found, which the program shows when it lies beside it.
fn proofs(dist: &Path) -> Result<()> {
    let failed = |error: std::io::Error| format!("proofs: {error}");
    let (from, to) = (target().join("proofs"), dist.join("proofs"));
    let _ = std::fs::remove_dir_all(&to);
    if !from.is_dir() {
        eprintln!("no proof has been run here, so none goes along: `make test slow` runs them");
        return Ok(());
    }
    std::fs::create_dir_all(&to).map_err(failed)?;
    let version = output("git", &["describe", "--always", "--dirty"])?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let text = std::fs::read_to_string(entry.path()).map_err(failed)?;
        let run: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if run["version"].as_str() == Some(version.trim()) {
            std::fs::write(to.join(entry.file_name()), text).map_err(failed)?;
        } else {
            eprintln!("{}: of another version, and so left out", entry.file_name().display());
        }
    }
    Ok(())
}

fn write(dist: &Path, name: &str, text: &str) -> Result<()> {
    std::fs::write(dist.join(name), text).map_err(|error| format!("dist/{name}: {error}"))
}

/// Writes the list that `sha256sum --check` reads.
fn checksums(dist: &Path) -> Result<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", dist.display());
    let mut lines = Vec::new();
    let names = |folder: &str| -> Result<Vec<String>> {
        let entries = std::fs::read_dir(dist.join(folder)).into_iter().flatten();
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            Ok(format!("{folder}{}", entry.map_err(failed)?.file_name().to_string_lossy()))
        };
        entries.map(name).collect()
    };
    for name in names("")?.into_iter().chain(names("proofs/")?) {
        if name != "SHA256SUMS" && name != "proofs" {
            let bytes = std::fs::read(dist.join(&name)).map_err(failed)?;
            let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push(format!("{hex}  {name}\n"));
        }
    }
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    let list: String = lines.concat();
    eprint!("{list}");
    write(dist, "SHA256SUMS", &list)
}
