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
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(failed)?;
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
    for entry in std::fs::read_dir(dist).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
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
