//! Where files go once they are judged: `done/` and `rejected/`, and how they get there so that a crash in between is
//! only a repetition. Nothing is ever overwritten.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;

/// Most files of one name that are told apart by numbers.
const NAMES: u32 = 10_000;

/// The shelves of a folder.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
    done: PathBuf,
    rejected: PathBuf,
}

impl Shelf {
    /// The shelves of this folder, made where they are missing.
    pub async fn open(folder: &Path) -> io::Result<Self> {
        let shelf = Self {
            folder: folder.to_owned(),
            done: folder.join("done"),
            rejected: folder.join("rejected"),
        };
        fs::create_dir_all(&shelf.done).await?;
        fs::create_dir_all(&shelf.rejected).await?;
        Ok(shelf)
    }

    /// The file's messages are kept: it goes to `done/`.
    pub async fn done(&self, name: &OsStr) -> io::Result<PathBuf> {
        let place = free(&self.done, name).await?;
        fs::rename(self.folder.join(name), &place).await?;
        self.sync(&self.done).await?;
        Ok(place)
    }

    /// Nothing of the file was taken: it goes to `rejected/`, the reason beside it.
    pub async fn rejected(&self, name: &OsStr, reason: &str) -> io::Result<PathBuf> {
        let place = free(&self.rejected, name).await?;
        write(&beside(&place), reason.as_bytes()).await?;
        fs::rename(self.folder.join(name), &place).await?;
        self.sync(&self.rejected).await?;
        Ok(place)
    }

    /// Some lines of the file were not taken: they go to `rejected/` in a file of their own, the reason beside it.
    /// The same lines again (after a crash) find the file that they made before.
    pub async fn rejected_lines(
        &self,
        name: &OsStr,
        lines: &[u8],
        reason: impl FnOnce(&Path) -> String,
    ) -> io::Result<PathBuf> {
        let mut place = None;
        for candidate in names(&self.rejected, name) {
            match fs::read(&candidate).await {
                Ok(there) if there == lines => {}
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => write(&candidate, lines).await?,
                Err(error) => return Err(error),
            }
            place = Some(candidate);
            break;
        }
        let place = place.ok_or_else(too_many)?;
        write(&beside(&place), reason(&place).as_bytes()).await?;
        self.sync(&self.rejected).await?;
        Ok(place)
    }

    /// Makes sure that a move is on disk: the source is told so next.
    async fn sync(&self, shelf: &Path) -> io::Result<()> {
        for folder in [shelf, &self.folder] {
            fs::File::open(folder).await?.sync_all().await?;
        }
        Ok(())
    }
}

/// A first place of this name where nothing is yet.
async fn free(shelf: &Path, name: &OsStr) -> io::Result<PathBuf> {
    for place in names(shelf, name) {
        if !fs::try_exists(&place).await? {
            return Ok(place);
        }
    }
    Err(too_many())
}

/// `a.csv`, `a.2.csv`, `a.3.csv` …
fn names(shelf: &Path, name: &OsStr) -> impl Iterator<Item = PathBuf> {
    let name = Path::new(name);
    let stem = name.file_stem().unwrap_or_default().to_owned();
    let end = name.extension().map(OsStr::to_owned);
    let shelf = shelf.to_owned();
    (1..NAMES).map(move |number| {
        let mut name = stem.clone();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        if let Some(end) = &end {
            name.push(".");
            name.push(end);
        }
        shelf.join(name)
    })
}

fn too_many() -> io::Error {
    io::Error::other("there are too many files of this name: clear the folder")
}

/// The reason's file beside a file.
fn beside(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".reason");
    PathBuf::from(name)
}

/// Writes a file so that it is there whole or not at all.
async fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut hidden = OsString::from(".");
    hidden.push(place.file_name().unwrap_or_default());
    hidden.push(".part");
    let half = place.with_file_name(hidden);
    fs::write(&half, bytes).await?;
    fs::File::open(&half).await?.sync_all().await?;
    fs::rename(&half, place).await
}
