//! Puts what is not Rust into the server: has cargo embed the migrations again when a file joins them, and lists the
//! files of the page.
//!
//! It knows nothing about what they do, and runs no Node: the page is there or it is not.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hasher},
    io,
    path::{Path, PathBuf},
};

/// Where `npm run build` puts the page. The folder above it is in the repository, so that there is always something to
/// watch: a path that is not there would have cargo build the server again every time.
const DIST: &str = "../web/dist";
const PAGE: &str = "page";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed={DIST}");
    let page = Path::new(DIST).join(PAGE);
    let mut files = BTreeSet::new();
    // Half a page is none: a build that failed has no beginning.
    if page.join("index.html").exists() {
        walk(&page.canonicalize()?, "", &mut files)?;
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    fs::write(out.join("page_files.rs"), table(&files)?)
}

/// All files below a folder: how a browser asks for each, and where it is.
fn walk(folder: &Path, path: &str, files: &mut BTreeSet<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else {
            files.insert((path, entry.path()));
        }
    }
    Ok(())
}

/// The files as Rust: sorted by path, each with its compressed forms, which stand beside it.
fn table(files: &BTreeSet<(String, PathBuf)>) -> io::Result<String> {
    let find = |wanted: &str| files.iter().find(|(path, _)| path == wanted).map(|(_, place)| place);
    let mut table = String::from("pub(super) static FILES: &[File] = &[\n");
    for (path, place) in files {
        let original = path.strip_suffix(".br").or_else(|| path.strip_suffix(".gz"));
        if original.is_some_and(|original| find(original).is_some()) {
            continue;
        }
        let form = |ending: &str| match find(&format!("{path}{ending}")) {
            Some(place) => format!("Some(include_bytes!({place:?}))"),
            None => "None".to_owned(),
        };
        let mut hasher = DefaultHasher::new();
        hasher.write(&fs::read(place)?);
        let (tag, brotli, gzip) = (hasher.finish(), form(".br"), form(".gz"));
        let _ = writeln!(
            table,
            "    File {{ path: {path:?}, etag: \"W/\\\"{tag:016x}\\\"\", plain: include_bytes!({place:?}), \
             brotli: {brotli}, gzip: {gzip} }},"
        );
    }
    table.push_str("];\n");
    Ok(table)
}
