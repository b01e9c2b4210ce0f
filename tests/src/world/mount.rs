//! A small disk of its own below a folder of a world, which breaks as a worn one does: the kernel writes to it no more.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Room for a store and its file system's own journal.
const BYTES: u64 = 64 * 1024 * 1024;

/// An ext4 file system in a file, mounted at a folder. Mounting takes root, or a `sudo` that asks for no password.
#[derive(Debug)]
pub struct SmallDisk {
    image: PathBuf,
    at: PathBuf,
    _image: tempfile::TempDir,
}

impl SmallDisk {
    /// Makes one and mounts it at this folder; none, and it says why, where this machine lets nobody mount anything.
    pub fn mount(at: &Path) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("disk.img");
        let file = File::create(&image).expect("an image");
        file.set_len(BYTES).expect("room for an image");
        must(&["mkfs.ext4", "-q", "-F", "-m", "0", text(&image)]);
        fs::create_dir_all(at).expect("a folder to mount at");
        let disk = Self {
            image,
            at: at.to_owned(),
            _image: folder,
        };
        let mounted = disk.attach();
        if let Err(why) = &mounted {
            println!("left out, because no disk can be mounted here: {why}");
        }
        mounted.ok().map(|()| disk)
    }

    fn attach(&self) -> Result<(), String> {
        as_root(&["mount", "-o", "loop", text(&self.image), text(&self.at)])?;
        // Everybody's, as a service's own folder is the service's.
        as_root(&["chmod", "777", text(&self.at)])
    }

    /// Everything that was written so far is on it, and then it breaks: as after an error of the hardware, the kernel
    /// lets nothing more be written, whoever has files open there.
    pub fn breaks(&self) {
        must(&["sync", "-f", text(&self.at)]);
        as_root(&["mount", "-o", "remount,abort", text(&self.at)]).expect("it can be broken");
    }

    /// What an operator does once nobody has files open there: checks it, and mounts it again.
    pub fn is_mended(&self) {
        as_root(&["umount", text(&self.at)]).expect("nobody uses it");
        let checked = command(&["fsck.ext4", "-p", text(&self.image)]).output();
        // 1: errors were found, and are mended.
        let code = checked.as_ref().ok().and_then(|checked| checked.status.code());
        assert!(code.is_some_and(|code| code <= 1), "{checked:?}");
        self.attach().expect("it can be mounted again");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has files open there ends soon. One that was never mounted is refused.
        let _ = as_root(&["umount", "--lazy", text(&self.at)]);
    }
}

/// Runs a command as root: as it is, or by way of `sudo`.
fn as_root(words: &[&str]) -> Result<(), String> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let sudo: &[&str] = if root { &[] } else { &["sudo", "-n"] };
    done(&[sudo, words].concat())
}

fn must(words: &[&str]) {
    done(words).unwrap_or_else(|why| panic!("{why}"));
}

fn done(words: &[&str]) -> Result<(), String> {
    let output = command(words)
        .output()
        .map_err(|error| format!("{words:?}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{words:?}: {told}"))
    }
}

fn command(words: &[&str]) -> Command {
    // Debian keeps some of these where only root looks.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env("PATH", path);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
