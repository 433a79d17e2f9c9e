//! Scripts in place of `ssh` and of the runner.

use nasmyth_runner::{Architecture, Greeting, PROTOCOL, Remote, RunnerFile, RunnerThere, Ssh, hash};
use std::fs;
use tempfile::TempDir;

/// Runs what it is asked to run, here.
pub const HERE: &str = "for last; do :; done\nexec sh -c \"$last\"\n";

pub struct StandIn {
    pub folder: TempDir,
}

impl StandIn {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The folder on the device.
    pub fn there(&self) -> String {
        self.folder.path().join("there").display().to_string()
    }

    /// An `ssh` that does what the script says.
    pub fn ssh(&self, script: &str) -> Ssh {
        let mut ssh = Ssh::new("ssh://me@pi".parse().unwrap(), None);
        ssh.command = vec!["sh".to_owned(), self.write("ssh.sh", script)];
        ssh
    }

    /// An `ssh` that ends with these words.
    pub fn failing(&self, words: &str) -> Ssh {
        let words = self.write("words", words);
        self.ssh(&format!("cat {words} >&2\nexit 255\n"))
    }

    /// A runner that says `greeting`, reads its job, and goes on with a script: `$names` are the networks of the job.
    pub fn runner(&self, greeting: &str, script: &str) -> RunnerFile {
        let said = self.folder.path().join(format!("greeting-{}", hash(script.as_bytes())));
        let text = format!(
            "#!/bin/sh\ncat {}\njob=$(cat)\nnames=$(printf %s \"$job\" | grep -o 'graph n[0-9]*' | cut -c7-)\n{script}\n",
            said.display()
        );
        fs::write(said, greeting.replace("HASH", &hash(text.as_bytes()))).unwrap();
        let path = self.write("runner.sh", &text);
        RunnerFile::open(path.as_ref(), Architecture::named("x86_64").unwrap()).unwrap()
    }

    /// The device where [`runner`](Self::runner) is.
    pub fn remote(&self, ssh: Ssh, runner: &RunnerFile) -> Remote {
        let there = RunnerThere { ssh, folder: self.there(), hash: runner.hash.clone() };
        Remote::new("pi", "some", there, 1)
    }
}

/// What a runner of this version says.
pub fn greeting() -> String {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let cpu = "some".to_owned();
    let greeting = Greeting { protocol: PROTOCOL, version, hash: "HASH".to_owned(), cpu, cores: 4 };
    serde_json::to_string(&greeting).unwrap() + "\n"
}
