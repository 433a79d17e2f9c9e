//! `nasmyth list`

use super::say;
use anyhow::Result;
use clap::{Args, ValueEnum};
use nasmyth::device::{COSTS, DeviceCost};
use nasmyth::measure::Options;
use nasmyth::strategy::SettingKind;

/// List what there is, each with its documentation
#[derive(Args)]
pub struct Arguments {
    /// What to list
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Search spaces
    Spaces,
    /// Search strategies and their settings
    Strategies,
    /// Differentiable searches
    Methods,
    /// Schedulers and their settings
    Schedulers,
    /// Where networks can be trained
    Engines,
    /// Operators of networks
    Ops,
    /// Formats of data
    Formats,
    /// Formats of exported networks
    Exports,
    /// Costs that limits can bound
    Costs,
    /// Tables of measured networks that come with Nasmyth
    Tables,
    /// Runtimes that latency can be measured in
    Runtimes,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Spaces => {
                nasmyth::space::PRESETS.iter().try_for_each(|p| entry(p.name, p.doc, &[]))?;
                let families = nasmyth::zoo::FAMILIES.iter().filter(|f| f.data == nasmyth::zoo::Data::Images);
                families.into_iter().try_for_each(|f| entry(&format!("zoo:{}", f.name), f.doc, &[]))
            }
            What::Strategies => {
                nasmyth::strategy::STRATEGIES.iter().try_for_each(|s| entry(s.name, s.doc, s.settings))?;
                let methods = nasmyth::weights::one_shot::METHODS;
                methods.iter().try_for_each(|m| entry(m.name, m.doc, &[]))?;
                let relaxed = nasmyth::weights::relaxed::PUBLISHED;
                relaxed.iter().try_for_each(|p| entry(p.name, &format!("differentiable: {}", p.paper), &[]))
            }
            What::Methods => {
                nasmyth::weights::relaxed::PUBLISHED.iter().try_for_each(|p| entry(p.name, p.paper, &[]))
            }
            What::Schedulers => {
                nasmyth::strategy::SCHEDULERS.iter().try_for_each(|s| entry(s.name, s.doc, s.settings))
            }
            What::Engines => nasmyth::engine::Backend::ALL.iter().try_for_each(|b| {
                let missing = if b.is_built() { "" } else { " Not in this build." };
                entry(b.name(), &format!("{}{missing}", b.doc()), &[])
            }),
            What::Ops => nasmyth::graph::OPS.iter().try_for_each(|o| entry(o.name, o.doc, &[])),
            What::Formats => nasmyth::data::FORMATS.iter().try_for_each(|f| entry(f.name(), f.doc(), &[])),
            What::Exports => nasmyth::export::FORMATS.iter().try_for_each(|f| entry(f.name, f.doc, &[])),
            What::Costs => {
                let counted = COSTS.iter().map(|cost| (cost.name, cost.doc));
                let on_devices = DeviceCost::ALL.map(|cost| (cost.name(), cost.doc()));
                counted.chain(on_devices).try_for_each(|(name, doc)| entry(name, doc, &[]))
            }
            What::Tables => nasmyth::bench::BUILTIN
                .iter()
                .try_for_each(|t| entry(&format!("builtin:{}", t.name), t.doc, &[])),
            What::Runtimes => nasmyth::measure::RUNTIMES.iter().try_for_each(|r| {
                let here = match r.version(&Options::default()) {
                    Ok(version) => format!("Version {version}."),
                    Err(error) => format!("Not here: {error}."),
                };
                entry(r.name, &format!("{} {here}", r.doc), &[])
            }),
        }
    }
}

fn entry(name: &str, doc: &str, settings: &[SettingKind]) -> Result<()> {
    say(format_args!("{name:24}{doc}"))?;
    settings.iter().try_for_each(|s| say(format_args!("{:24}  {}: {} ({})", "", s.name, s.doc, s.setting)))
}
