//! Tables: headers, types, missing values, targets, and what is wrong with them.

mod samples;

use nasmyth_data::{
    ColumnKind, DataError, Dataset, Features, OpenOptions, Subset, Task, TaskKind, open, open_like,
};
use samples::{parquet_file, put};
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

struct Table {
    folder: TempDir,
    path: PathBuf,
}

impl Table {
    fn new(text: &str) -> Self {
        let folder = tempdir().unwrap();
        let path = put(folder.path(), "t.csv", text);
        Self { folder, path }
    }

    fn open(&self, target: Option<&str>) -> Result<Dataset, DataError> {
        let options = OpenOptions { target: target.map(str::to_string), ..OpenOptions::default() };
        open(self.path.to_str().unwrap(), &options)
    }

    fn message(&self, target: Option<&str>) -> String {
        self.open(target).err().unwrap().to_string()
    }

    fn other(&self, text: &str) -> String {
        put(self.folder.path(), "other.csv", text).to_str().unwrap().to_string()
    }
}

/// Like UCI Adult: spaces after commas, no header, `?` for missing.
fn adult(rows: usize) -> String {
    let work = |i: usize| ["Private", "?", "State-gov"][i % 3];
    (0..rows)
        .map(|i| format!("{}, {}, {}, {}\n", 20 + i % 50, work(i), i * 10, ["<=50K", ">50K"][i / 3 % 2]))
        .collect()
}

/// Like California housing: header, missing numbers, a category, a target that is not last.
fn housing(rows: usize) -> String {
    let line = |i: usize| {
        let rooms = if i.is_multiple_of(7) { String::new() } else { (i % 13).to_string() };
        format!("{}.5,{rooms},{},{}\n", i % 40, 1000.5 + i as f64, ["INLAND", "NEAR BAY"][i % 2])
    };
    format!("age,rooms,value,ocean\n{}", (0..rows).map(line).collect::<String>())
}

#[test]
fn a_table_like_adult() {
    let data = Table::new(&adult(90)).open(None).unwrap();
    assert_eq!(data.features(), &Features::Table { numbers: 2, categories: vec![3] });
    assert_eq!(data.task(), &Task::Classification { classes: vec!["<=50K".into(), ">50K".into()] });
    let mut row = [0.0; 3];
    for subset in [Subset::Fit, Subset::Test] {
        if let Some(index) = data.indices(subset).iter().position(|&i| i == 1) {
            data.read(subset, index, &mut row);
        }
    }
    assert_eq!(row, [21.0, 10.0, 0.0]);
}

#[test]
fn a_table_like_california_housing() {
    let data = Table::new(&housing(120)).open(Some("value")).unwrap();
    assert_eq!(data.task(), &Task::Regression { target: "value".into() });
    assert_eq!(data.features(), &Features::Table { numbers: 3, categories: vec![3] });
    let mut row = [0.0; 4];
    let mut missing = 0;
    for index in 0..data.len(Subset::Train) {
        data.read(Subset::Train, index, &mut row);
        let source = data.indices(Subset::Train)[index] as usize;
        assert_eq!(row[2], f32::from(source.is_multiple_of(7)));
        let ColumnKind::Number { mean, .. } = data.schema().columns[1].kind else { panic!() };
        assert_eq!(row[1], if source.is_multiple_of(7) { mean } else { (source % 13) as f32 });
        missing += usize::from(source.is_multiple_of(7));
        assert_eq!(data.label(Subset::Train, index), 1000.5 + source as f32);
    }
    assert!(missing > 0);
    let statistics = data.statistics();
    assert_eq!((statistics.mean[3], statistics.std[3]), (0.0, 1.0));
    assert!(statistics.target_std > 10.0 && (statistics.target_mean - 1060.0).abs() < 15.0);
}

#[test]
fn identifiers_and_empty_columns_are_left_out_with_a_note() {
    let line = |i: usize| format!("id{i},,{},{}\n", i % 5, ["a", "b"][i % 2]);
    let text = format!("name,nothing,x,y\n{}", (0..20).map(line).collect::<String>());
    let data = Table::new(&text).open(None).unwrap();
    assert_eq!(data.features(), &Features::Table { numbers: 1, categories: vec![] });
    assert!(data.notes().iter().any(|note| note.contains("'name' left out")));
    assert!(data.notes().iter().any(|note| note.contains("'nothing' left out")));
}

#[test]
fn rare_and_unseen_categories_have_code_0() {
    let line = |i: usize| format!("{i},{},{}\n", if i == 77 { "rare" } else { ["u", "v"][i % 2] }, i % 2);
    let table = Table::new(&format!("n,c,y\n{}", (0..300).map(line).collect::<String>()));
    let data = table.open(None).unwrap();
    assert_eq!(data.features(), &Features::Table { numbers: 1, categories: vec![3] });
    let other = table.other("c,n\nnew,1\nv,2\nrare,3\n,4\n");
    let samples = open_like(&other, data.schema()).unwrap();
    let mut codes = Vec::new();
    let mut row = [0.0; 2];
    for i in 0..samples.len() {
        samples.read(i, &mut row);
        assert_eq!(samples.label(i), None);
        codes.push(row);
    }
    assert_eq!(codes, [[1.0, 0.0], [2.0, 2.0], [3.0, 0.0], [4.0, 0.0]]);
}

#[test]
fn files_without_header_may_lack_the_target() {
    let table = Table::new(&adult(60));
    let data = table.open(None).unwrap();
    let samples = open_like(&table.other("40, Private, 7\n41, ?, 8\n"), data.schema()).unwrap();
    let mut row = [0.0; 3];
    samples.read(0, &mut row);
    assert_eq!((samples.len(), row, samples.label(0)), (2, [40.0, 7.0, 1.0], None));
    assert!(open_like(&table.other("40, Private\n"), data.schema()).is_err());
}

#[test]
fn an_unseen_label_missing_columns_and_text_for_a_number_are_errors() {
    let table = Table::new(&housing(60));
    let data = table.open(None).unwrap();
    let message = |text: &str| open_like(&table.other(text), data.schema()).err().unwrap().to_string();
    assert!(message("age,rooms,value,ocean\n1,2,3,ISLAND\n").contains("label 'ISLAND' was not seen"));
    assert!(message("age,ocean\n1,INLAND\n").contains("missing columns: rooms, value"));
    assert!(message("age,rooms,value\n1,many,3\n").contains("line 2, column rooms: expected a number"));
}

#[test]
fn the_target_is_found_or_the_nearest_name_proposed() {
    let table = Table::new(&housing(30));
    assert!(table.message(Some("vlaue")).contains("did you mean 'value'?"));
    assert!(table.message(Some("qqq")).contains("columns: age, rooms, value, ocean"));
    let data = Table::new(&adult(60)).open(Some("2")).unwrap();
    assert_eq!(data.task().kind(), TaskKind::Regression);
}

#[test]
fn broken_tables_say_where() {
    let text = |bad: &str| format!("a,b,y\n1,2,u\n3,4,v\n{bad}\n5,6,u\n7,8,v\n");
    let message = |bad: &str| Table::new(&text(bad)).message(None);
    assert!(message("1,2").contains("line 4: expected 3 fields, got 2"));
    assert!(
        message("1,NaN,u").contains("row 4, column b: NaN is not a finite number; leave the field empty")
    );
    assert!(message("1,-inf,u").contains("row 4, column b: -inf"));
    assert!(message("1e99,2,u").contains("row 4, column a: 1e99"));
    assert!(message("1,\0,u").contains("zero byte"));
    assert!(Table::new("a,y\n1,u\n2,u\n3,u\n").message(None).contains("every sample has the label 'u'"));
    assert!(Table::new("a,a\n1,u\n2,u\n3,u\n").message(None).contains("'a' twice"));
    assert!(Table::new("a,y\n").open(None).is_err());
    assert!(Table::new("x,y\nu,a\nv,b\n").open(None).is_err());
    assert!(Table::new("y\n1\n2\n1\n").message(None).contains("a column with features"));
}

#[test]
fn rows_without_a_target_are_left_out() {
    let data = Table::new("a,y\n1,u\n2,\n3,v\n4,u\n5,v\n6,u\n7,v\n").open(None).unwrap();
    assert_eq!([Subset::Fit, Subset::Test].map(|s| data.len(s)).iter().sum::<usize>(), 6);
    assert!(data.notes().iter().any(|note| note.contains("1 rows left out")));
    assert!(Table::new("a,y\n1,\n2,\n").message(None).contains("no value in any row"));
}

#[test]
fn other_separators_and_quotes() {
    for separator in [";", "\t", "|"] {
        let text =
            housing(50).replace(',', separator).replace("NEAR BAY", &format!("\"NEAR{separator}BAY\""));
        let data = Table::new(&text).open(Some("value")).unwrap();
        assert_eq!(data.features(), &Features::Table { numbers: 3, categories: vec![3] }, "{separator}");
    }
}

#[test]
fn parquet_knows_missing_values_and_refuses_nan() {
    let folder = tempdir().unwrap();
    let file = |numbers: &[Option<f64>]| put(folder.path(), "t.parquet", parquet_file(numbers));
    let path = file(&[None, Some(1.0), Some(2.0), None, Some(3.0), None, Some(1.0), None, Some(2.0), None]);
    let data = open(path.to_str().unwrap(), &OpenOptions::default()).unwrap();
    assert_eq!(data.features(), &Features::Table { numbers: 3, categories: vec![3] });
    let path = file(&[Some(1.0), Some(f64::NAN), Some(2.0), Some(3.0)]);
    let error = open(path.to_str().unwrap(), &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("row 2, column width: NaN"), "{error}");
}

#[test]
fn csv_and_parquet_with_the_same_content_are_the_same_data() {
    let folder = tempdir().unwrap();
    let fingerprint = |format: &str| {
        let path = samples::write(format, folder.path()).unwrap().path;
        open(path.to_str().unwrap(), &OpenOptions::default()).unwrap().fingerprint()
    };
    assert_eq!(fingerprint("csv"), fingerprint("parquet"));
}
