//! Disks that are full and folders that cannot be written.

use crate::place::Place;
use std::process::Command;

/// A file system that is a few kilobytes large, while it lives.
struct Small(String);

impl Small {
    fn mount(place: &Place, name: &str, kilobytes: usize) -> Option<Self> {
        let path = place.path(name);
        std::fs::create_dir(&path).unwrap();
        let path = path.display().to_string();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", &path]).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(path)),
            other => {
                println!("skipped: no file system can be mounted here ({other:?})");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_the_run_goes_on_with_space() {
    let place = Place::new();
    for kilobytes in [8, 48, 120] {
        let name = format!("small-{kilobytes}");
        let Some(small) = Small::mount(&place, &name, kilobytes) else { return };
        let told = place.search(&format!("--data table.csv --trials 30 --out {name}/run"));
        if told.code == Some(0) {
            continue; // it fits
        }
        let told = told.exits(2);
        assert!(told.err.contains("full") || told.err.contains("space"), "{kilobytes}: {}", told.err);
        let run = place.path(&format!("{name}/run"));
        if run.join("config.toml").exists() {
            let before = place.state(&format!("{name}/run")).settled();
            let grown = Command::new("mount").args(["-o", "remount,size=200m", &small.0]).status();
            assert!(grown.unwrap().success());
            place.run(&format!("resume {name}/run")).exits(0);
            assert!(place.state(&format!("{name}/run")).trials().len() >= before);
        }
    }
    let Some(small) = Small::mount(&place, "tiny", 4) else { return };
    place.search("--data table.csv --trials 2 --out run").exits(0);
    for command in ["export run --format safetensors --out", "predict run --data table.csv --out"] {
        place.run(&format!("{command} tiny/x")).exits(2).says("tiny/x");
        assert_eq!(std::fs::read_dir(&small.0).unwrap().count(), 0, "no half file stays");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let place = Place::with_run();
    for out in ["/proc/none/x.svg", "table.csv/x.svg", "."] {
        place.run(&format!("export run --format svg --out {out}")).exits(2).says(out);
    }
    place.run("export run --format svg --out new/folder/x.svg").exits(0);
    assert!(place.text("new/folder/x.svg").contains("<svg"));
}
