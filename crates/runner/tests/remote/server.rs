//! A server for SSH on this machine, with keys of its own.

use nasmyth_runner::Ssh;
use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Set where the checks must not be skipped.
const REQUIRED: &str = "NASMYTH_TEST_SSHD";
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Server {
    folder: TempDir,
    daemon: Child,
    port: u16,
    user: String,
}

impl Server {
    /// None where there is no server to start, unless the environment says that there must be.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and there is no sshd");
            // Past the test harness, which keeps what tests print.
            let _ = writeln!(io::stderr(), "SKIPPED: there is no sshd (package openssh-server)");
            return None;
        };
        if is_root() {
            // Debian's server wants this folder when root starts it.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let folder = tempfile::tempdir().unwrap();
        ["host", "user", "stranger"].iter().for_each(|name| make_key(&folder.path().join(name)));
        let port = free_port();
        let daemon = daemon(&program, folder.path(), port);
        let server = Self { folder, daemon, port, user: said("id", &["-un"]) };
        server.write("known_hosts", &server.known("host"));
        server.wait();
        Some(server)
    }

    /// Until it listens.
    fn wait(&self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "sshd does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The line by which a client knows the server, if its key is this one.
    fn known(&self, key: &str) -> String {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    /// A client with its own configuration that holds the right key and knows the server.
    pub fn ssh(&self) -> Ssh {
        self.client(self.port, "user", "known_hosts")
    }

    /// ... that does not hold the right key.
    pub fn stranger(&self) -> Ssh {
        self.client(self.port, "stranger", "known_hosts")
    }

    /// ... that was never here.
    pub fn newcomer(&self) -> Ssh {
        self.write("nobody", "");
        self.client(self.port, "user", "nobody")
    }

    /// ... that was here when the server had another key.
    pub fn returner(&self) -> Ssh {
        self.write("before", &self.known("stranger"));
        self.client(self.port, "user", "before")
    }

    /// ... that looks for the server at a port where nobody listens.
    pub fn astray(&self) -> Ssh {
        self.client(free_port(), "user", "known_hosts")
    }

    fn client(&self, port: u16, key: &str, known_hosts: &str) -> Ssh {
        let config = format!("config-{key}-{known_hosts}");
        let known_hosts = self.path(known_hosts);
        self.write(
            &config,
            &format!("UserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\n", known_hosts.display()),
        );
        let address = format!("ssh://{}@127.0.0.1:{port}", self.user).parse().unwrap();
        let mut ssh = Ssh::new(address, Some(self.path(key)));
        ssh.command.extend(["-F".to_owned(), self.path(&config).display().to_string()]);
        ssh
    }

    /// Pulls the plug: everything that the server has started ends at once, and the server stays.
    #[cfg(target_os = "linux")]
    pub fn cut(&self) {
        for process in descendants(self.daemon.id()) {
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let mut folders = std::env::split_paths(&path).chain(usual);
    // It starts itself anew for each connection, so it wants its whole path.
    folders.find_map(|folder| Some(folder.join("sshd")).filter(|p| p.is_absolute() && p.is_file()))
}

fn is_root() -> bool {
    said("id", &["-u"]) == "0"
}

fn said(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).output().unwrap().stdout;
    String::from_utf8(out).unwrap().trim().to_owned()
}

fn make_key(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    let made = command.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn daemon(program: &Path, folder: &Path, port: u16) -> Child {
    let at = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n",
        at("host"),
        at("user.pub"),
    );
    fs::write(folder.join("sshd_config"), config).unwrap();
    let mut command = Command::new(program);
    command.args(["-D", "-E", &at("log"), "-f", &at("sshd_config")]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// All processes below `ancestor`, parents first.
#[cfg(target_os = "linux")]
fn descendants(ancestor: u32) -> Vec<u32> {
    let entries =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let processes: Vec<u32> = entries.filter_map(|name| name.parse().ok()).collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while next < found.len() {
        let ancestor = found[next];
        found.extend(processes.iter().filter(|&&process| parent(process) == Some(ancestor)));
        next += 1;
    }
    found.split_off(1)
}

/// The second field behind the name, which stands in brackets and may hold anything.
#[cfg(target_os = "linux")]
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
