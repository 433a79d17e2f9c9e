//! Kinds of machines that a runner can be built for.

/// A kind of machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Name in `nasmyth-runner-NAME`.
    pub name: &'static str,
    /// What `uname -m` says on such machines.
    pub machines: &'static [&'static str],
    /// The target that Rust builds for.
    pub target: &'static str,
    /// `e_machine` in the head of its programs (ELF).
    elf: u16,
}

/// All of them. Linux with musl: static programs that run on every distribution.
pub static ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "x86_64",
        machines: &["x86_64", "amd64"],
        target: "x86_64-unknown-linux-musl",
        elf: 62,
    },
    Architecture {
        name: "aarch64",
        machines: &["aarch64", "arm64"],
        target: "aarch64-unknown-linux-musl",
        elf: 183,
    },
    Architecture {
        name: "armv7",
        machines: &["armv7l", "armv8l"],
        target: "armv7-unknown-linux-musleabihf",
        elf: 40,
    },
];

impl Architecture {
    /// The one whose machines call themselves so.
    pub fn of_machine(machine: &str) -> Option<&'static Self> {
        ARCHITECTURES.iter().find(|a| a.machines.contains(&machine))
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ARCHITECTURES.iter().find(|a| a.name == name)
    }

    /// The one that a program is built for: little-endian ELF with a known `e_machine`.
    pub(crate) fn of_program(file: &[u8]) -> Option<&'static Self> {
        let machine = file.get(18..20).filter(|_| file.starts_with(b"\x7fELF"))?;
        ARCHITECTURES.iter().find(|a| a.elf.to_le_bytes() == machine)
    }

    /// The command that builds a runner for it.
    pub fn build_command(&self) -> String {
        let Self { target, .. } = self;
        format!(
            "rustup target add {target} && cargo build --profile runner -p nasmyth-runner --target {target}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_for_this_machine() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if let Some(this) = Architecture::of_machine(std::env::consts::ARCH) {
            assert_eq!(Architecture::of_program(&file), Some(this));
        }
        assert_eq!(Architecture::of_program(b"#!/bin/sh"), None);
        assert_eq!(Architecture::of_machine("riscv64"), None);
    }
}
