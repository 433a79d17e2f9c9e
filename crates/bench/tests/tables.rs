//! Tables come back as they were imported, whatever they hold.

use nasmyth_bench::*;
use nasmyth_space::Genotype;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn imported(text: &str, options: &ImportOptions) -> Result<(tempfile::TempDir, PathBuf, usize), BenchError> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("t.csv"), folder.path().join("t.table"));
    std::fs::write(&from, text).unwrap();
    let merged = import(&[from], &to, options)?;
    Ok((folder, to, merged))
}

const FULL: &str = "genotype,c_valid_2,c_valid_9_runs,c_test_9,c_train_seconds_9,params,note\n\
    a_0,1,10 12,11.5,90,5,x\na_1,2,20,21.5,90,6,y\nb_0,3,30 32 34,31.5,90,7,z\nb_1,4,40,41.5,90,8,w\n";

#[test]
fn a_table_comes_back() {
    let (_folder, path, merged) = imported(FULL, &ImportOptions::default()).unwrap();
    let table = Table::open(&path).unwrap();
    assert_eq!((table.rows(), merged, table.tasks().len()), (4, 0, 1));
    assert_eq!(table.column("params").unwrap(), [5.0, 6.0, 7.0, 8.0]);
    assert!(table.column("note").is_err());
    let space = table.space().unwrap();
    assert_eq!(space.count(), Some(4));
    for (row, genotype) in space.enumerate().enumerate() {
        assert_eq!((table.row(&genotype), table.genotype(row)), (Some(row), genotype));
    }
    let task = table.task(Some("c")).unwrap();
    let third: Genotype = "1_0".parse().unwrap();
    assert_eq!((task.efforts(), task.best(), task.score(&third)), (vec![2.0, 9.0], 41.5, Some(31.5)));
    assert_eq!(
        (task.signal(&third, 0, 5), task.seconds(&third, 0), task.seconds(&third, 1)),
        (Some(3.0), 20.0, 90.0)
    );
    // Different seeds get different runs; one seed always the same.
    let runs: BTreeSet<u64> = (0..50).map(|s| task.signal(&third, 1, s).unwrap() as u64).collect();
    assert_eq!(runs.into_iter().collect::<Vec<_>>(), [30, 32, 34]);
    assert_eq!(task.signal(&third, 1, 7), task.signal(&third, 1, 7));
    assert_eq!(task.score(&"0_5".parse().unwrap()), None);
    assert!(matches!(table.task(Some("d")), Err(BenchError::Task { known, .. }) if known == "c"));
}

#[test]
fn a_compressed_table_is_the_same_table() {
    let (folder, whole, _) = imported(FULL, &ImportOptions::default()).unwrap();
    let path = folder.path().join("t.table.gz");
    import(&[folder.path().join("t.csv")], &path, &ImportOptions::default()).unwrap();
    let (plain, compressed) = (Table::open(&whole).unwrap(), Table::open(&path).unwrap());
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() < std::fs::read(&whole).unwrap().len());
    assert_eq!(plain.columns(), compressed.columns());
    for column in plain.columns() {
        let bits =
            |table: &Table| table.column(column).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&plain), bits(&compressed), "{column}");
    }
    assert!((0..4).all(|row| plain.genotype(row) == compressed.genotype(row)));
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    assert!(matches!(Table::open(&path), Err(BenchError::File { .. })));
}

#[test]
fn an_unknown_built_in_table_names_the_known_ones() {
    let error = Table::open("builtin:cels1d".as_ref()).unwrap_err().to_string();
    assert!(error.contains("did you mean `builtin:cells1d`"), "{error}");
}

#[test]
fn the_trained_cells_are_all_there() {
    let table = Table::open("builtin:cells1d".as_ref()).unwrap();
    let classes: BTreeSet<u64> = (0..table.rows()).map(|row| table.class(row)).collect();
    assert_eq!((table.rows(), classes.len(), table.tasks().len()), (15_625, 6_398, 1));
    for column in table.columns() {
        let values = table.column(column).unwrap();
        let shared = |row: usize| values[row] == values[table.class(row) as usize];
        assert!((0..table.rows()).all(shared), "{column}");
    }
    let task = table.task(None).unwrap();
    assert_eq!(task.efforts(), (1..=12).map(f64::from).collect::<Vec<_>>());
    let space = table.space().unwrap();
    assert_eq!(space.count(), Some(15_625));
    let mut unlearned = 0;
    for genotype in space.enumerate() {
        let (first, last) = (task.signal(&genotype, 0, 1).unwrap(), task.signal(&genotype, 11, 1).unwrap());
        let score = task.score(&genotype).unwrap();
        assert!([first, last, score].iter().all(|v| (0.0..=100.0).contains(v)), "{genotype}");
        assert!(
            (last - score).abs() < 12.0,
            "{genotype}: {last} on the validation part, {score} on the test part"
        );
        assert!(task.seconds(&genotype, 11) > task.seconds(&genotype, 0));
        unlearned += usize::from(last < first);
    }
    assert!(unlearned < 156, "{unlearned} cells were better after the first epoch than at the end");
    let of_all = |operator: &str| {
        let genes: Vec<String> = space.genes().map(|g| format!("{}={operator}", g.path)).collect();
        task.score(&space.parse(&genes.join(" ")).unwrap()).unwrap()
    };
    // Ten classes, as many of each.
    assert!(of_all("none") < 15.0 && of_all("nor_conv_3x3") > 90.0);
}

#[test]
fn a_part_of_a_space_is_a_space_of_its_own() {
    let mut text = "genes_x,genes_y,genes_z,quality\n".to_owned();
    // 40 of 8,000 networks.
    (0..40).for_each(|i| text += &format!("{},{},{},{}\n", i / 2, (7 * i) % 20, (3 * i + i / 20) % 20, i));
    let options = ImportOptions {
        genes: Some("genes_".to_owned()),
        valid: vec!["quality".to_owned()],
        ..Default::default()
    };
    let (_folder, path, _) = imported(&text, &options).unwrap();
    let table = Table::open(&path).unwrap();
    let space = table.space().unwrap();
    assert_eq!((table.rows(), space.count()), (40, Some(40)));
    let mut rng = <nasmyth_space::Rng as rand::SeedableRng>::seed_from_u64(1);
    for _ in 0..200 {
        let (a, b) = (space.sample(&mut rng), space.sample(&mut rng));
        for child in [space.mutate(&a, &mut rng), space.crossover(&a, &b, &mut rng), space.default_genotype()]
        {
            assert!(table.row(&child).is_some() && space.validate(&child).is_ok(), "{child}");
        }
        assert_ne!(space.mutate(&a, &mut rng), a);
        assert!(space.neighbours(&a).iter().all(|n| *n != a && table.row(n).is_some()));
    }
    assert!(space.validate(&"0_1_0".parse().unwrap()).is_err());
}

#[test]
fn rows_of_one_genotype_become_their_mean_and_files_are_joined() {
    let (folder, path, merged) =
        imported("arch,t_valid\n0,1\n0,3\n1,5\n", &ImportOptions::default()).unwrap();
    assert_eq!((merged, Table::open(&path).unwrap().column("t_valid").unwrap()), (1, &[2.0, 5.0][..]));
    let more = folder.path().join("more.csv");
    std::fs::write(&more, "arch,latency\n1,7\n0,6\n2,8\n").unwrap();
    import(&[folder.path().join("t.csv"), more], &path, &ImportOptions::default()).unwrap();
    let table = Table::open(&path).unwrap();
    assert_eq!(table.column("latency").unwrap(), [6.0, 7.0, 8.0]);
    assert!(table.column("t_valid").unwrap()[2].is_nan());
}

#[test]
fn broken_files_say_where() {
    for (text, line) in
        [("a,b\n1,2\n", 1), ("arch,b\n", 2), ("arch,b\n0_1,2\n0,3\n", 3), ("arch,b\n0_1,2,4\n", 2)]
    {
        match imported(text, &ImportOptions::default()).err() {
            Some(BenchError::Content { line: at, .. }) => assert_eq!(at, Some(line), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.table");
    assert!(matches!(Table::open(&path), Err(BenchError::File { .. })));
    let (_folder, whole, _) = imported(FULL, &ImportOptions::default()).unwrap();
    let bytes = std::fs::read(whole).unwrap();
    for cut in [0, 7, 12, 40, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(matches!(Table::open(&path), Err(BenchError::Content { .. })), "{cut}");
    }
}
