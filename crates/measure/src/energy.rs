//! Energy counters of the processor, where the system shows them: Intel's and AMD's running average power limit (RAPL) as the
//! Linux folder `/sys/class/powercap`.

use std::fs;
use std::path::{Path, PathBuf};

/// Where Linux has the counters.
const FOLDER: &str = "/sys/class/powercap";

/// Adds up the energy of all processor packages, whoever uses them. Counters start again at zero after a few hundred kilojoules, so
/// [`update`](Self::update) must be called more often than that happens: once a minute will do.
pub struct EnergyMeter {
    packages: Vec<Package>,
}

struct Package {
    counter: PathBuf,
    /// Largest value of the counter, microjoules.
    range: u64,
    last: u64,
    total: u64,
}

impl EnergyMeter {
    /// The counters of this machine. `None` where there are none, or none that may be read (many systems let only root).
    pub fn open() -> Option<Self> {
        Self::open_in(FOLDER.as_ref())
    }

    fn open_in(folder: &Path) -> Option<Self> {
        let folders = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let packages = folders.filter(|folder| is_package(folder)).map(|f| Package::open(&f));
        let packages: Vec<Package> = packages.collect::<Option<_>>()?;
        (!packages.is_empty()).then_some(Self { packages })
    }

    /// Reads the counters. `None` when one cannot be read any more; the meter is of no use then.
    pub fn update(&mut self) -> Option<()> {
        self.packages.iter_mut().try_for_each(Package::update)
    }

    /// Joules between opening and the last update.
    pub fn joules(&self) -> f64 {
        self.packages.iter().map(|p| p.total as f64 * 1e-6).sum()
    }
}

/// Packages hold cores and more as subzones (`core`, `uncore`, `dram`), which must not be counted twice.
fn is_package(folder: &Path) -> bool {
    fs::read_to_string(folder.join("name")).is_ok_and(|name| name.trim().starts_with("package"))
}

impl Package {
    fn open(folder: &Path) -> Option<Self> {
        let (counter, range) = (folder.join("energy_uj"), number(&folder.join("max_energy_range_uj"))?);
        Some(Self { last: number(&counter)?, counter, range, total: 0 })
    }

    fn update(&mut self) -> Option<()> {
        let now = number(&self.counter)?;
        let wrapped = if now < self.last { self.range } else { 0 };
        self.total += (now + wrapped).saturating_sub(self.last);
        self.last = now;
        Some(())
    }
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, zone: &str, name: &str, energy: u64) {
        let zone = folder.join(zone);
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("name"), format!("{name}\n")).unwrap();
        fs::write(zone.join("max_energy_range_uj"), "1000000\n").unwrap();
        fs::write(zone.join("energy_uj"), format!("{energy}\n")).unwrap();
    }

    #[test]
    fn packages_are_added_up_over_a_wrap_and_their_parts_are_not() {
        let place = tempfile::tempdir().unwrap();
        let set = |a: u64, b: u64| {
            zone(place.path(), "intel-rapl:0", "package-0", a);
            zone(place.path(), "intel-rapl:0:0", "core", a / 2);
            zone(place.path(), "intel-rapl:1", "package-1", b);
        };
        set(900_000, 5);
        let mut meter = EnergyMeter::open_in(place.path()).unwrap();
        assert_eq!(meter.joules(), 0.0);
        set(950_000, 25); // 50,000 and 20
        meter.update().unwrap();
        set(30_000, 30); // over the range: 80,000, and 5
        meter.update().unwrap();
        assert!((meter.joules() - 0.130_025).abs() < 1e-12, "{}", meter.joules());
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        let place = tempfile::tempdir().unwrap();
        assert!(EnergyMeter::open_in(&place.path().join("missing")).is_none());
        assert!(EnergyMeter::open_in(place.path()).is_none());
        zone(place.path(), "intel-rapl:0", "package-0", 1);
        let counter = place.path().join("intel-rapl:0/energy_uj");
        let mut meter = EnergyMeter::open_in(place.path()).unwrap();
        fs::remove_file(&counter).unwrap();
        assert!(meter.update().is_none());
        assert!(EnergyMeter::open_in(place.path()).is_none());
    }
}
