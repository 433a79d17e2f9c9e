//! Which crate may import which. A new dependency between crates is a decision: it goes into this table and into the one in
//! `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Crate, and the crates that it imports (without those that only its tests use).
const ALLOWED: &[(&str, &[&str])] = &[
    ("graph", &[]),
    ("data", &[]),
    ("report", &[]),
    ("chat", &[]),
    ("space", &["graph"]),
    ("zoo", &["graph", "space"]),
    ("engine", &["graph"]),
    ("device", &["graph", "surrogate"]),
    ("estimator", &["graph"]),
    ("export", &["graph", "engine"]),
    ("measure", &["graph", "engine", "export"]),
    ("runner", &["graph", "measure"]),
    ("surrogate", &["graph", "space", "engine"]),
    ("strategy", &["graph", "space", "surrogate", "estimator", "chat"]),
    ("bench", &["graph", "space", "device", "surrogate", "strategy"]),
    ("train", &["graph", "engine", "data", "estimator"]),
    ("supernet", &["graph", "space", "engine", "data", "estimator", "strategy", "train"]),
    ("study", &["graph", "space", "device", "estimator", "strategy"]),
    (
        "nasmyth",
        &[
            "graph",
            "space",
            "zoo",
            "bench",
            "chat",
            "engine",
            "data",
            "device",
            "estimator",
            "train",
            "supernet",
            "surrogate",
            "strategy",
            "study",
            "export",
            "measure",
            "report",
            "runner",
        ],
    ),
];

type Dependencies = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn allowed() -> Dependencies {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    ALLOWED.iter().map(|(name, imports)| ((*name).to_owned(), set(imports))).collect()
}

/// As the manifests say.
fn actual() -> Dependencies {
    let folders = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let crates = folders.filter(|folder| folder.join("Cargo.toml").exists());
    let name = |folder: &Path| folder.file_name().unwrap().to_str().unwrap().to_owned();
    crates.map(|folder| (name(&folder), imports(&folder.join("Cargo.toml")))).collect()
}

fn imports(manifest: &Path) -> BTreeSet<String> {
    let manifest: Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = targets.filter_map(Value::as_table).chain([&manifest]);
    let sections = tables.flat_map(|t| ["dependencies", "build-dependencies"].map(|key| t.get(key)));
    let names = sections.flatten().filter_map(Value::as_table).flat_map(Table::keys);
    names.filter_map(|name| name.strip_prefix("nasmyth-")).map(str::to_owned).collect()
}

/// Rows ``| `crate` | `import`, `import` | ... |`` of the section "Crates"; a dash is no import, `all` is every other crate.
fn documented() -> Dependencies {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section =
        text.split("\n## ").find(|section| section.starts_with("Crates\n")).expect("a section Crates");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut table: Dependencies = rows
        .map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(quoted);
            (cells.next().unwrap().into_iter().next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let names: BTreeSet<String> = table.keys().cloned().collect();
    for (name, imports) in table.iter_mut().filter(|(_, imports)| imports.contains("all")) {
        *imports = names.iter().filter(|other| *other != name).cloned().collect();
    }
    table
}

/// What stands between back-quotes.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn agree(expected: &Dependencies, got: &Dependencies, place: &str) {
    for (name, imports) in got {
        assert_eq!(
            expected.get(name),
            Some(imports),
            "{place}: imports of `{name}` (left: the table in this test)"
        );
    }
    let missing: Vec<_> = expected.keys().filter(|name| !got.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{place} does not have {missing:?}");
}

#[test]
fn manifests_keep_the_table() {
    agree(&allowed(), &actual(), "crates/*/Cargo.toml");
}

#[test]
fn architecture_shows_the_table() {
    agree(&allowed(), &documented(), "ARCHITECTURE.md");
}

#[test]
fn nothing_imports_in_a_circle() {
    let mut done = BTreeSet::new();
    let mut left = allowed();
    while !left.is_empty() {
        let ready: Vec<String> = left
            .iter()
            .filter(|(_, imports)| imports.is_subset(&done))
            .map(|(name, _)| name.clone())
            .collect();
        assert!(!ready.is_empty(), "a circle among {:?}", left.keys());
        ready.iter().for_each(|name| drop(left.remove(name)));
        done.extend(ready);
    }
}
